// The canaries of elements: one for each `Type.path`, all of one beginning and one end, so that the scanner looks for two texts and names thousands.

import { randomInt } from 'node:crypto';
import { makeWord } from './canaries.ts';
import type { Word } from './scanner.ts';

const numberDigits = 6;
const halfLength = 10;

export interface ElementWords {
  /** The same path gets the same word. */
  wordOf(path: string): string;
  /** The path of a word in a text, in whatever case; undefined where none is in it. */
  pathIn(text: string): string | undefined;
  /** How many words there are. */
  count(): number;
  readonly word: Word;
  /** That all words have in common. */
  readonly parts: readonly string[];
}

/** A find is reported as the name and the path, or as the name alone where its number cannot be read. */
export function makeElementWords(name: string): ElementWords {
  const start = makeWord('Cnry').slice(0, halfLength);
  const end = makeWord('').slice(0, halfLength);
  const paths: string[] = [];
  const numbers = new Map<string, number>();
  // Where a run's numbers begin tells nothing.
  const first = randomInt(100_000, 500_000);
  const pattern = new RegExp(`${start}(\\d{${numberDigits}})|(\\d{${numberDigits}})${end}`, 'i');
  const pathIn = (text: string) => {
    const found = pattern.exec(text);
    return found ? paths[Number(found[1] ?? found[2]) - first] : undefined;
  };
  const nameIn = (around: Buffer) => {
    const path = readings(around)
      .map(pathIn)
      .find((read) => read !== undefined);
    return path === undefined ? undefined : `${name} ${path}`;
  };
  return {
    wordOf(path) {
      const known = numbers.get(path);
      const number = known ?? paths.push(path) - 1;
      numbers.set(path, number);
      return `${start}${number + first}${end}`;
    },
    pathIn,
    count: () => paths.length,
    parts: [start, end],
    word: { name, texts: [start, end], nameIn },
  };
}

/** What the bytes around a find may say: as they are, and by each way of writing that a scanner knows. */
function* readings(around: Buffer): Generator<string> {
  const text = around.toString('latin1');
  yield text;
  yield text.replaceAll('\0', '');
  yield text.replaceAll(/%([0-9a-f]{2})|\\u00([0-9a-f]{2})/gi, (_, percent, escaped) => fromHex(percent ?? escaped));
  yield text.replaceAll(/(\d{2,3}),?/g, (_, code) => String.fromCharCode(Number(code)));
  for (const run of text.match(/[0-9a-f]{32,}/gi) ?? []) {
    for (const skip of [0, 1]) yield fromHex(run.slice(skip));
  }
  for (const run of text.match(/[\w+/-]{16,}/g) ?? []) {
    for (const skip of [0, 1, 2, 3]) yield Buffer.from(run.slice(skip), 'base64').toString('latin1');
  }
}

function fromHex(digits: string): string {
  return Buffer.from(digits, 'hex').toString('latin1');
}
