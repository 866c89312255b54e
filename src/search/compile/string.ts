// String parameters as lookups of word prefixes: https://hl7.org/fhir/R4/search.html#string

import { searchedTexts } from '../extract/string.ts';
import { foldWords } from '../fold-text.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion } from '../search-query.ts';
import { exactText, prefixLengthMax, prefixText } from '../token-text.ts';
import { anyText, type CompiledCriterion, type Recheck } from './condition.ts';

/** Every word of the value begins a word of the element; the order of words does not matter. */
export function compileString({ parameter, isExact, texts }: Criterion & { kind: 'string' }): CompiledCriterion {
  if (isExact) return { conditions: [anyText(texts.map((text) => exactText(parameter.key, text)))] };
  const wanted = texts.map(foldWords);
  const anyOf = wanted.map((words) => [...new Set(words.map((word) => prefixText(parameter.key, word)))]);
  const isInexact = wanted.some((words) => words.some((word) => word.length > prefixLengthMax));
  return {
    conditions: [{ kind: 'tokens', anyOf }],
    ...(isInexact && { recheck: recheckWords(parameter, wanted) }),
  };
}

function recheckWords(parameter: IndexedParameter, wanted: readonly (readonly string[])[]): Recheck {
  return (resource) => {
    const stored = parameter.read(resource).flatMap(searchedTexts).flatMap(foldWords);
    const begins = (word: string) => stored.some((candidate) => candidate.startsWith(word));
    return wanted.some((words) => words.every(begins));
  };
}
