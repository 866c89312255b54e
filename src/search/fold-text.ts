// Folds text for string search, for stored values and queries alike: https://hl7.org/fhir/R4/search.html#string

/** Words beyond these are not indexed: a description of a thousand words would swamp the index. */
export const wordsMax = 100;
const textLengthMax = 10_000;

/** Letters that Unicode does not decompose, though people type them without the stroke. */
const plainLetters: Readonly<Record<string, string>> = {
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ŧ: 't',
  ς: 'σ',
};
const strokedLetter = new RegExp(`[${Object.keys(plainLetters).join('')}]`, 'g');
/** Soft hyphens, joiners and marks of direction, which stand inside words and are not typed by who searches. */
const unseen = /[\u00ad\u200c-\u200f\u2060\ufeff]/g;
const isAscii = /^[\0-\x7f]*$/;

/**
 * The words of a text without case, accents and punctuation; an apostrophe joins (O'Neil: `oneil`), everything else parts
 * (Smith-Jones: `smith`, `jones`). By upper case, so that ß becomes ss, which ẞ becomes by lower case only.
 */
export function foldWords(text: string): string[] {
  const words = foldAllWords(text.length > textLengthMax ? text.slice(0, textLengthMax) : text);
  return words.length > wordsMax ? words.slice(0, wordsMax) : words;
}

/** The same without a bound. */
export function foldAllWords(text: string): string[] {
  const words = isAscii.test(text)
    ? text
        .toLowerCase()
        .replaceAll("'", '')
        .match(/[a-z0-9]+/g)
    : foldUnicode(text).match(/[\p{L}\p{N}]+/gu);
  return words ?? [];
}

function foldUnicode(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(unseen, '')
    .replace(/[\p{M}'’ʼ`´]/gu, '')
    .replace(strokedLetter, (letter) => plainLetters[letter] as string);
}

/** The first characters of a word, never half a surrogate pair. */
export function prefixOf(word: string, length: number): string {
  if (word.length <= length) return word;
  const last = word.charCodeAt(length - 1);
  return last >= 0xd800 && last <= 0xdbff ? word.slice(0, length + 1) : word.slice(0, length);
}
