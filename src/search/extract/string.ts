// Strings, names and addresses as words: https://hl7.org/fhir/R4/search.html#string

import { foldWords } from '../fold-text.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import { exactText, hasTriples, prefixTexts, type TokenKey, tripleTexts } from '../token-text.ts';
import type { EntryCollector } from './entry-collector.ts';

/** The parts of HumanName and Address that a search on the whole looks at. */
const searchedParts = [
  'text',
  'family',
  'given',
  'prefix',
  'suffix',
  'line',
  'city',
  'district',
  'state',
  'postalCode',
  'country',
] as const;

/** One value of a string parameter; those of narrower parameters have to be extracted before. */
export function extractString(value: unknown, { key, shared }: IndexedParameter, entries: EntryCollector): void {
  const narrower = shared?.narrower ?? [];
  for (const text of searchedTexts(value)) {
    addUnlessKnown(exactText, key, narrower, text, entries);
    for (const word of foldWords(text)) {
      addPrefixes(key, narrower, word, entries);
      if (hasTriples(key)) entries.tokens(tripleTexts(shared?.root ?? key, word));
    }
  }
}

type TextOf = (key: TokenKey, value: string) => string;

function addUnlessKnown(
  textOf: TextOf,
  key: TokenKey,
  narrower: readonly TokenKey[],
  value: string,
  entries: EntryCollector,
) {
  if (!narrower.some((other) => entries.has(textOf(other, value)))) entries.token(textOf(key, value));
}

function addPrefixes(key: TokenKey, narrower: readonly TokenKey[], word: string, entries: EntryCollector): void {
  if (narrower.length === 0) {
    entries.tokens(prefixTexts(key, word));
    return;
  }
  const known = narrower.map((other) => prefixTexts(other, word));
  for (const [index, text] of prefixTexts(key, word).entries()) {
    if (!known.some((texts) => entries.has(texts[index] as string))) entries.token(text);
  }
}

/** The texts that a string search on this value looks at. */
export function searchedTexts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const texts: string[] = [];
  for (const part of searchedParts) {
    const found = (value as Record<string, unknown>)[part];
    if (typeof found === 'string') texts.push(found);
    else if (Array.isArray(found)) texts.push(...found.filter((item) => typeof item === 'string'));
  }
  return texts;
}
