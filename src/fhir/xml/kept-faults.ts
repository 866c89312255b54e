// The structural faults of XML that was read all the same, for $validate to tell them all: https://hl7.org/fhir/R4/resource-operation-validate.html

import { FhirError, type Issue } from '../outcome.ts';

/** Beside the tree, which has no place for what it cannot hold. */
const keptBy = new WeakMap<object, readonly Issue[]>();

/** More than anybody reads. */
const faultsMax = 100;

/** Throws the first where they are not kept. */
export class Faults {
  readonly issues: Issue[] = [];
  readonly areKept: boolean;

  constructor(areKept: boolean) {
    this.areKept = areKept;
  }

  add(fault: FhirError): void {
    if (!this.areKept) throw fault;
    if (this.issues.length < faultsMax) this.issues.push(...fault.issues);
  }

  keepBeside(tree: unknown): void {
    if (this.issues.length > 0 && isNode(tree)) keptBy.set(tree, this.issues);
  }
}

/** None where the tree came from JSON, or from XML without a fault. */
export function faultsOf(tree: unknown): readonly Issue[] {
  return (isNode(tree) ? keptBy.get(tree) : undefined) ?? [];
}

/** From now on these are the faults of the resource at `place` in the tree. Throws (400) those that are of the tree around it. */
export function handDownFaults(tree: unknown, place: string, resource: unknown): void {
  const issues = faultsOf(tree);
  const type = isNode(resource) ? (resource as { readonly resourceType?: unknown }).resourceType : undefined;
  const [around, inside] = [issues.filter((one) => !isBelow(one, place)), issues.filter((one) => isBelow(one, place))];
  if (around.length > 0) throw new FhirError(around);
  const moved = inside.map((one) => ({
    ...one,
    diagnostics: one.diagnostics.replace(place, String(type)),
    expression: (one.expression ?? []).map((expression) => expression.replace(place, String(type))),
  }));
  if (moved.length > 0 && isNode(resource)) keptBy.set(resource, moved);
}

function isBelow({ expression }: Issue, place: string): boolean {
  return expression?.[0] === place || expression?.[0]?.startsWith(`${place}.`) === true;
}

function isNode(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
