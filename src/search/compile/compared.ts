// Comparisons of whole texts, as `_filter` has them: narrowed by words, decided on the resource: https://hl7.org/fhir/R4/search_filter.html

import { searchedTexts } from '../extract/string.ts';
import { foldWords } from '../fold-text.ts';
import type { Criterion } from '../search-query.ts';
import type { CompiledCriterion } from './condition.ts';

type ComparedCriterion = Criterion & { kind: 'compared' };

export function compileCompared(
  { parameter, by, text, narrowing }: ComparedCriterion,
  compileAll: (criteria: readonly Criterion[]) => CompiledCriterion,
): CompiledCriterion {
  const wanted = foldWords(text).join(' ');
  const holds = comparisons[by];
  return {
    conditions: compileAll([narrowing]).conditions,
    recheck: (resource) =>
      parameter
        .read(resource)
        .flatMap(searchedTexts)
        .some((stored) => holds(foldWords(stored).join(' '), wanted)),
  };
}

const comparisons: Readonly<Record<ComparedCriterion['by'], (stored: string, wanted: string) => boolean>> = {
  eq: (stored, wanted) => stored === wanted,
  sw: (stored, wanted) => stored.startsWith(wanted),
  ew: (stored, wanted) => stored.endsWith(wanted),
};
