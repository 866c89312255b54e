// String parameters: https://hl7.org/fhir/R4/search.html#string

import { type Asked, listOf, membersOf } from './asked.ts';
import { withoutEscapes } from './split.ts';

export function matchesString({ modifier, raw, values }: Asked): boolean {
  const asked = withoutEscapes(raw);
  const texts = values.flatMap(textsOf);
  switch (modifier) {
    case undefined:
      return startsWith(texts, asked);
    // "The :exact modifier returns results that match the entire supplied parameter, including casing and accents."
    case 'exact':
      return texts.includes(asked);
    // "Case-insensitive and combining character-insensitive search text matched anywhere in the string."
    case 'contains':
      return texts.some((text) => folded(text).includes(folded(asked)));
    default:
      throw new Error(`No reading of the string modifier ${modifier}`);
  }
}

/**
 * "By default, a field matches a string query if the value of the field equals or starts with the supplied parameter value,
 * after both have been normalized by case and accent", "punctuation and non-significant whitespace ... should also be
 * ignored". A field is taken as its words (`peter james` is asked in any order, `jones` finds Smith-Jones), which R4 leaves
 * to the server for names: "A server defined search that may match any of the string fields in the HumanName".
 */
export function startsWith(texts: readonly string[], asked: string): boolean {
  const own = texts.flatMap(wordsOf);
  const words = wordsOf(asked);
  return words.length > 0 && words.every((word) => own.some((candidate) => candidate.startsWith(word)));
}

export function wordsOf(text: string): string[] {
  return folded(text).split(' ').filter(Boolean);
}

const stroked: Readonly<Record<string, string>> = { ß: 'ss', ø: 'o', ł: 'l', đ: 'd', æ: 'ae', œ: 'oe', ς: 'σ' };

/** Case and accents gone, an apostrophe gone, other punctuation a space. */
function folded(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();
  return plain
    .replace(/[ßøłđæœς]/g, (letter) => stroked[letter] as string)
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

const parts = ['text', 'family', 'given', 'prefix', 'suffix'];
const addressParts = ['line', 'city', 'district', 'state', 'country', 'postalCode'];

/** "may match any of the string fields in the HumanName, including family, give, prefix, suffix, suffix, and/or text"; Address likewise. */
export function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  const members = membersOf(value);
  const found = [...parts, ...addressParts].flatMap((part) => listOf(members[part]));
  return found.filter((one) => typeof one === 'string');
}
