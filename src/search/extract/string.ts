// Strings, names and addresses as words: https://hl7.org/fhir/R4/search.html#string

import { stringTexts, type TokenKey } from '../token-text.ts';
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

export function extractString(value: unknown, key: TokenKey, entries: EntryCollector): void {
  for (const text of searchedTexts(value)) entries.tokens(stringTexts(key, text));
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
