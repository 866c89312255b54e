// The filters that only SNOMED CT has: https://hl7.org/fhir/R4/snomedct.html

import type { ConceptSet } from './concept-set.ts';
import { conceptsThatFit, membersOfSets } from './ecl/evaluate.ts';
import type { Ask } from './filters.ts';
import { membership, snomedUrl } from './snomed.ts';
import type { SystemReader } from './system-reader.ts';

/**
 * "By reference set: concept, in", while a list of several are concepts as everywhere; "by SNOMED CT expression constraint:
 * constraint, =", which some call expression; "by whether post-coordination is allowed: expressions, =". And `refset exists`:
 * what is a reference set that has members here.
 */
export function isOfSnomed({ system }: SystemReader, { property, op, value }: Ask): boolean {
  if (system.url !== snomedUrl || !filters.has(`${property} ${op}`)) return false;
  return property !== 'concept' || !value.includes(',');
}

const filters: ReadonlySet<string> = new Set([
  ...['concept in', 'constraint =', 'expression =', 'expressions ='],
  'refset exists',
]);

export async function meetingSnomed(reader: SystemReader, { property, value }: Ask): Promise<ConceptSet> {
  switch (property) {
    case 'concept':
      return await membersOfSets(reader, [value.trim()]);
    case 'refset':
      return reader.of((await reader.byCodes(await reader.valuesOf(membership))).map(({ id }) => id));
    // None of the concepts is post coordinated, whether or not that is allowed.
    case 'expressions':
      return reader.all;
    default:
      return await conceptsThatFit(reader, value);
  }
}
