// What is above and below a code in the hierarchy of its code system: https://hl7.org/fhir/R4/search.html#token, modifiers `above` and `below`

import { fhirError } from '../fhir/outcome.ts';
import { codesMax } from './code-list.ts';
import type { Queries } from './find-system.ts';
import type { StoredSystem } from './stored-concept.ts';
import { SystemReader } from './system-reader.ts';

/** The code itself first, also where the code system does not have it. Throws a FhirError (400) where it does not tell. */
export async function relatedCodes(
  trx: Queries,
  system: StoredSystem,
  code: string,
  direction: 'above' | 'below',
): Promise<string[]> {
  if (system.content !== 'complete' || !system.subsumes) {
    throw fhirError('not-supported', `The code system ${system.url} does not tell what is ${direction} a code.`, {
      status: 400,
    });
  }
  const reader = new SystemReader(trx, system);
  const concept = await reader.concept(code);
  if (!concept) return [code];
  const related = direction === 'above' ? await reader.above([concept.id]) : reader.below(concept);
  if (related.count > codesMax) {
    throw fhirError('too-costly', `More than ${codesMax} codes are ${direction} the one that is asked for.`);
  }
  const concepts = await reader.byIds(related.slice(0, codesMax), true);
  return [...new Set([concept.code, ...concepts.map((one) => one.code)])];
}
