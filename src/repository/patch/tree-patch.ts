// What the three kinds of patch have in common: https://hl7.org/fhir/R4/http.html#patch

import { nestingMax } from '../../fhir/json-scanner.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { isContainer } from '../exact-tree.ts';

/** From a resource, which it may change, to the next; both are exact trees. Throws 422 when it cannot be done. */
export type TreePatch = (resource: unknown) => unknown;

export const operationsMax = 1_000;

export function requireFewOperations(operations: readonly unknown[]): void {
  if (operations.length <= operationsMax) return;
  throw fhirError('too-costly', `A patch takes at most ${operationsMax} operations.`);
}

/** Operation by operation a patch could nest elements deeper than any body may be. */
export function requireShallow(value: unknown, depth = 1): void {
  if (!isContainer(value)) return;
  if (depth > nestingMax) throw fhirError('structure', 'The patch nests elements too deep.', { status: 422 });
  for (const part of Object.values(value)) requireShallow(part, depth + 1);
}
