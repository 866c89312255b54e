// Marks what names more than one patient: a record of one patient's compartment that tells of another patient as well must not
// be shown to the first one's app (security.md 28).

import type { Definitions } from '../fhir/definitions.ts';
import { compartmentParameters } from './compartment.ts';
import type { IndexEntry } from './index-entry.ts';
import type { Criterion } from './search-query.ts';
import { valueText } from './token-text.ts';

/** Whose a Device is, R4 says by a parameter and not by its compartment. */
const beyondCompartment: Readonly<Record<string, readonly string[]>> = { Device: ['patient'] };

/** The parameters by which a resource of this type belongs to a patient; undefined for a type that never does. */
export function patientParameters(definitions: Definitions, type: string): readonly string[] | undefined {
  return compartmentParameters(definitions, 'Patient', type) ?? beyondCompartment[type];
}

/** The token of a resource that by these parameters points to several patients of this server. */
export function severalPatientsText(
  definitions: Definitions,
  type: string,
  entries: readonly IndexEntry[],
): string | undefined {
  let first: string | undefined;
  for (const entry of entries) {
    if (entry.kind !== 'reference' || entry.targetType !== 'Patient' || entry.targetId === first) continue;
    if (!patientParameters(definitions, type)?.includes(entry.parameter)) continue;
    if (first !== undefined) return valueText(keyOf(type), several);
    first = entry.targetId;
  }
  return undefined;
}

/** Met by what names one patient at most. */
export function namesOnePatient(type: string): Criterion {
  return { kind: 'not', criteria: [{ kind: 'value', key: keyOf(type), texts: [several] }] };
}

const several = 'several';

function keyOf(type: string): string {
  return `${type}:patients`;
}
