// How alike two people's names are, whatever is their order, case, accents and umlauts, and with a typing error here or there.

import { foldWords } from '../../search/fold-text.ts';

/** Of each person's names the two that are most alike; undefined where one of both has none. */
export function nameLikeness(
  names: readonly ReadonlySet<string>[],
  others: readonly ReadonlySet<string>[],
): number | undefined {
  if (names.length === 0 || others.length === 0) return undefined;
  return Math.max(...names.flatMap((one) => others.map((other) => wordsLikeness(one, other))));
}

/** Each word beside the most similar one of the other name; one that has none is a middle name, or a name by marriage. */
function wordsLikeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return (sumOfBest(one, other) + sumOfBest(other, one)) / (one.size + other.size);
}

function sumOfBest(words: ReadonlySet<string>, others: ReadonlySet<string>): number {
  let sum = 0;
  for (const word of words) {
    let best = 0;
    for (const other of others) best = Math.max(best, wordLikeness(word, other));
    sum += best;
  }
  return sum;
}

const wordLengthMax = 40;

/** 1 of the same word; less of one that is written a little differently, and nothing of another one. */
function wordLikeness(word: string, other: string): number {
  if (word === other || plainOf(word) === plainOf(other)) return 1;
  const length = Math.max(word.length, other.length);
  if (length > wordLengthMax || Math.abs(word.length - other.length) > 2) return 0;
  const likeness = 1 - editDistance(word, other) / length;
  return likeness >= 0.75 ? likeness : 0;
}

/** Of folded words, in which ü is u: an umlaut is written as two letters where a keyboard, a form or a passport has none (ICAO Doc 9303-3, section 6). */
function plainOf(word: string): string {
  return word.replaceAll(/([aou])e/g, '$1');
}

/** Of each word of these texts how else it may be written; words that are written in one way are not there. */
export function spellingsOf(texts: readonly string[]): Map<string, Set<string>> {
  const spellings = new Map<string, Set<string>>();
  for (const text of texts) {
    const words = foldWords(text);
    const transcribed = foldWords(text.normalize('NFC').replaceAll(/[äöü]/gi, (letter) => `${letter}e`));
    for (const [index, word] of words.entries()) {
      const others = new Set([plainOf(word), transcribed[index] ?? word]);
      others.delete(word);
      if (others.size > 0) spellings.set(word, others);
    }
  }
  return spellings;
}

/** Letters to change, add and take away: https://en.wikipedia.org/wiki/Levenshtein_distance */
function editDistance(word: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...word].entries()) {
    const next = [i + 1];
    for (const [j, otherLetter] of [...other].entries()) {
      const replaced = (row[j] ?? 0) + Number(letter !== otherLetter);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
