// String parameters as lookups of word prefixes: https://hl7.org/fhir/R4/search.html#string

import { searchedTexts } from '../extract/string.ts';
import { foldWords } from '../fold-text.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import type { Criterion } from '../search-query.ts';
import { exactText, hasTriples, prefixLengthMax, prefixText, type TokenKey, tripleTexts } from '../token-text.ts';
import { anyText, type CompiledCriterion, type Condition, type Recheck } from './condition.ts';

type StringCriterion = Criterion & { kind: 'string' };

export function compileString(criterion: StringCriterion): CompiledCriterion {
  const { parameter, match, texts } = criterion;
  if (match === 'starts') return compilePrefixes(parameter, texts.map(foldWords));
  if (match === 'contains') return compileContains(parameter, texts.map(foldWords));
  return { conditions: [anyText(keysOf(parameter).flatMap((key) => texts.map((text) => exactText(key, text))))] };
}

/** What narrower parameters store is not stored under the parameter's own key. */
function keysOf({ key, shared }: IndexedParameter): readonly TokenKey[] {
  return [key, ...(shared?.narrower ?? [])];
}

/** Every word of the value begins a word of the element; the order of words does not matter. */
function compilePrefixes(parameter: IndexedParameter, wanted: readonly (readonly string[])[]): CompiledCriterion {
  const isInexact = wanted.some((words) => words.some((word) => word.length > prefixLengthMax));
  const { conditions, isWhole } = prefixConditions(keysOf(parameter), wanted);
  return { conditions, ...((isInexact || !isWhole) && { recheck: recheckWords(parameter, wanted) }) };
}

/** `isWhole` is false where the conditions let through more than the values ask for. */
function prefixConditions(
  keys: readonly TokenKey[],
  wanted: readonly (readonly string[])[],
): { readonly conditions: readonly Condition[]; readonly isWhole: boolean } {
  const [only = [], ...others] = wanted;
  const [key, ...narrower] = keys as [TokenKey];
  if (narrower.length === 0) {
    const anyOf = wanted.map((words) => [...new Set(words.map((word) => prefixText(key, word)))]);
    return { conditions: [{ kind: 'tokens', anyOf }], isWhole: true };
  }
  const textsOf = (word: string) => keys.map((one) => prefixText(one, word));
  if (others.length === 0)
    return { conditions: [...new Set(only)].map((word) => anyText(textsOf(word))), isWhole: true };
  // Each word may stand under any key, and all combinations would be too many: one word of each value narrows.
  const isWhole = wanted.every((words) => words.length === 1);
  return { conditions: [anyText(wanted.flatMap((words) => textsOf(longestOf(words))))], isWhole };
}

function longestOf(words: readonly string[]): string {
  return words.reduce((longest, word) => (word.length > longest.length ? word : longest));
}

function recheckWords(parameter: IndexedParameter, wanted: readonly (readonly string[])[]): Recheck {
  return (resource) => {
    const stored = parameter.read(resource).flatMap(searchedTexts).flatMap(foldWords);
    const begins = (word: string) => stored.some((candidate) => candidate.startsWith(word));
    return wanted.some((words) => words.every(begins));
  };
}

/**
 * The value stands anywhere in a text, when both are words with a space between. Its triples narrow; a value without any
 * leaves it to the other criteria, for one or two characters stand in nearly everything.
 */
function compileContains(parameter: IndexedParameter, wanted: readonly (readonly string[])[]): CompiledCriterion {
  const root = parameter.shared?.root ?? parameter.key;
  const anyOf = wanted.map((words) => [...new Set(words.flatMap((word) => tripleTexts(root, word)))]);
  const isNarrow = hasTriples(root) && anyOf.every((triples) => triples.length > 0);
  return {
    conditions: isNarrow ? [{ kind: 'tokens', anyOf }] : [],
    recheck: recheckContains(
      parameter,
      wanted.map((words) => words.join(' ')),
    ),
  };
}

function recheckContains(parameter: IndexedParameter, wanted: readonly string[]): Recheck {
  return (resource) => {
    const stored = parameter
      .read(resource)
      .flatMap(searchedTexts)
      .map((text) => foldWords(text).join(' '));
    return wanted.some((value) => stored.some((text) => text.includes(value)));
  };
}
