// Whether one code of a code system includes another: https://hl7.org/fhir/R4/codesystem-operation-subsumes.html

import { fhirError } from '../fhir/outcome.ts';
import { all } from './all.ts';
import { requireHierarchy } from './filters.ts';
import type { Queries } from './find-system.ts';
import type { StoredConcept, StoredSystem } from './stored-concept.ts';
import { SystemReader } from './system-reader.ts';

/** https://hl7.org/fhir/R4/valueset-concept-subsumption-outcome.html */
export type Subsumption = 'equivalent' | 'subsumes' | 'subsumed-by' | 'not-subsumed';

export async function subsumes(trx: Queries, system: StoredSystem, codeA: string, codeB: string): Promise<Subsumption> {
  const reader = new SystemReader(trx, system);
  const [a, b] = await all([reader.concept(codeA), reader.concept(codeB)]);
  if (!a || !b) {
    throw fhirError('not-found', `The code system ${system.url} does not have ${a ? 'codeB' : 'codeA'}.`);
  }
  if (a.id === b.id) return 'equivalent';
  requireHierarchy(reader);
  if (includes(a, b)) return 'subsumes';
  return includes(b, a) ? 'subsumed-by' : 'not-subsumed';
}

function includes({ below }: StoredConcept, { id }: StoredConcept): boolean {
  for (let at = 0; at < below.length; at += 2) {
    if (id >= (below[at] as number) && id <= (below[at + 1] as number)) return true;
  }
  return false;
}
