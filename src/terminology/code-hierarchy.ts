// What is above and below a code in the hierarchy of its code system: https://hl7.org/fhir/R4/codesystem.html#hierarchy

import type { CodeSystem, CodeSystemConcept } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { codesMax } from './code-list.ts';

/** The code itself first. Throws a FhirError (400) where the code system does not tell. */
export function relatedCodes(codeSystem: CodeSystem, code: string, direction: 'above' | 'below'): string[] {
  const { url = '', content, hierarchyMeaning = 'is-a', concept = [] } = codeSystem;
  if (content !== 'complete' || hierarchyMeaning !== 'is-a') {
    throw fhirError('not-supported', `The code system ${url} does not tell what is ${direction} a code.`, {
      status: 400,
    });
  }
  const related = new Set([code]);
  // A code may stand at several places.
  for (const path of pathsTo(code, concept, [])) {
    const found = direction === 'above' ? path.map((one) => one.code) : allCodes(path.at(-1)?.concept ?? []);
    for (const one of found) if (one) related.add(one);
  }
  if (related.size <= codesMax) return [...related];
  throw fhirError('too-costly', `More than ${codesMax} codes are ${direction} the one that is asked for.`);
}

/** From the top to the concept. */
function pathsTo(
  code: string,
  concepts: readonly CodeSystemConcept[],
  above: readonly CodeSystemConcept[],
): CodeSystemConcept[][] {
  return concepts.flatMap((concept) => {
    const path = [...above, concept];
    const deeper = pathsTo(code, concept.concept ?? [], path);
    return concept.code === code ? [path, ...deeper] : deeper;
  });
}

function allCodes(concepts: readonly CodeSystemConcept[]): (string | undefined)[] {
  return concepts.flatMap(({ code, concept }) => [code, ...allCodes(concept ?? [])]);
}
