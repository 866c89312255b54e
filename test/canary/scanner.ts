// Searches streams of bytes for words in every spelling, also inside compressed blocks and inside hex and base64 that hold such.

import { createHash } from 'node:crypto';
import { openBlock } from './block-formats.ts';
import { Inflater, mayBeDeflate, storedBytes } from './inflate.ts';
import { Matcher } from './matcher.ts';
import { type Spelling, spellingsOf } from './spellings.ts';

export interface Word {
  /** What it stands for, such as `family name`. */
  readonly name: string;
  /** Of characters that a normalisation leaves alone but for their case; several where it may write the word in several ways. */
  readonly texts: readonly string[];
  /** Further sequences of bytes that mean the same. */
  readonly binary?: readonly Spelling[];
  /** The name of this find, from the bytes around it, where the word stands for many things. */
  nameIn?(around: Buffer): string | undefined;
}

export interface Hit {
  readonly word: string;
  readonly encoding: string;
  /** The blocks it lies in, from the outside. */
  readonly inside: readonly string[];
  /** In the stream, of the word or of the outermost block it lies in. */
  readonly offset: number;
}

interface ScannedWindow {
  /** Of the matcher after it. */
  readonly state: number;
  /** Each kind once, with offsets within the window. */
  readonly hits: ReadonlyMap<string, Hit>;
}

type OnHit = (hit: Hit) => void;

const windowBytes = 4_194_304;
/** A block that starts in one window is read as far as this into the next. */
const overlapBytes = 1_048_576;
/** The shortest pattern; a shorter block holds none. */
const patternBytesMin = 8;
/** Before and behind a find: any spelling of a word of 26 letters. */
const aroundBytes = 200;
/** A block with a word in it has more. Reading over the end of an array, even rarely, would make every read slow. */
const blockBytesMin = 10;

export class Scanner {
  readonly #patterns: readonly Pattern[];
  readonly #matcher: Matcher;
  readonly #inflater = new Inflater();
  /** Databases, segments and their archived copies are alike in much: what was scanned once is not scanned again. */
  readonly #scanned = new Map<string, ScannedWindow>();

  constructor(words: readonly Word[]) {
    if (new Set(words.map(({ name }) => name)).size < words.length) throw new Error('Two words have one name.');
    const patterns = words.flatMap(patternsOf);
    if (patterns.some(({ bytes }) => bytes.length < patternBytesMin))
      throw new Error('A word is too short to be found.');
    this.#patterns = patterns;
    this.#matcher = new Matcher(patterns.map(({ bytes }) => bytes));
  }

  /** Each kind of hit once, the first of them; memory does not grow with the stream. */
  async scan(stream: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Hit[]> {
    const hits = new Map<string, Hit>();
    let state = 0;
    for await (const { bytes, own, offset } of windowsOf(stream)) {
      const key = `${state} ${own} ${createHash('sha256').update(bytes).digest('base64')}`;
      const scanned = this.#scanned.get(key) ?? this.#scanWindow(bytes, own, state);
      this.#scanned.set(key, scanned);
      state = scanned.state;
      for (const [kind, hit] of scanned.hits) {
        if (!hits.has(kind)) hits.set(kind, { ...hit, offset: hit.offset + offset });
      }
    }
    return [...hits.values()];
  }

  #scanWindow(bytes: Buffer, own: number, before: number): ScannedWindow {
    const hits = new Map<string, Hit>();
    const onHit: OnHit = (hit) => {
      const kind = [hit.word, hit.encoding, ...hit.inside].join('|');
      if (!hits.has(kind)) hits.set(kind, hit);
    };
    const state = this.#match(bytes.subarray(0, own), before, (word, offset) => onHit({ ...word, inside: [], offset }));
    this.#openBlocks(bytes, own, onHit);
    this.#openTexts(bytes, own, onHit);
    return { state, hits };
  }

  #match(
    bytes: Uint8Array,
    state: number,
    onWord: (word: Pick<Hit, 'word' | 'encoding'>, offset: number) => void,
  ): number {
    return this.#matcher.run(bytes, state, (index, end) => {
      const { word, encoding, bytes: pattern, nameIn } = this.#patterns[index]!;
      const around = () => Buffer.from(bytes.subarray(Math.max(0, end - aroundBytes), end + aroundBytes));
      onWord({ word: nameIn?.(around()) ?? word, encoding }, end - pattern.length);
    });
  }

  /** Tries every place, since blocks lie anywhere. */
  #openBlocks(bytes: Buffer, own: number, onHit: OnHit): void {
    const end = Math.min(own, bytes.length - blockBytesMin);
    for (let at = 0; at < end; at++) {
      // No block starts with four zeros, and most of a database is zeros.
      if ((bytes[at]! | bytes[at + 1]! | bytes[at + 2]! | bytes[at + 3]!) === 0) continue;
      if (mayBeDeflate(bytes, at)) this.#openDeflate(bytes, at, onHit);
      const block = openBlock(bytes, at);
      if (block) this.#match(block.content, 0, (word) => onHit({ ...word, inside: [block.format], offset: at }));
    }
  }

  #openDeflate(bytes: Buffer, at: number, onHit: OnHit): void {
    const readableBytes = storedBytes(bytes, at);
    let state = 0;
    let done = 0;
    this.#inflater.read(bytes, at, patternBytesMin, (piece) => {
      done += piece.length;
      if (done <= readableBytes) return;
      state = this.#match(piece, state, (word) => onHit({ ...word, inside: ['DEFLATE'], offset: at }));
    });
  }

  /** What was written as text may be a block, or again a text. */
  #openTexts(bytes: Buffer, own: number, onHit: OnHit): void {
    for (const { start, end } of runsOfDigits(bytes, own)) {
      for (const { encoding, content } of decodeRun(bytes.subarray(start, end))) {
        const onInner: OnHit = (hit) => onHit({ ...hit, inside: [encoding, ...hit.inside], offset: start });
        this.#match(content, 0, (word) => onInner({ ...word, inside: [], offset: 0 }));
        this.#openBlocks(content, content.length, onInner);
      }
    }
  }
}

interface Pattern extends Spelling {
  readonly word: string;
  readonly nameIn?: NonNullable<Word['nameIn']>;
}

function patternsOf({ name, texts, binary = [], nameIn }: Word): Pattern[] {
  const spelled = texts.flatMap(partsOf).flatMap(({ part, note }) =>
    spellingsOf(part).map(({ encoding, bytes }) => ({
      ...{ word: name, encoding: encoding + note, bytes },
      ...(nameIn && { nameIn }),
    })),
  );
  return [...spelled, ...binary.map(({ encoding, bytes }) => ({ word: name, encoding, bytes }))];
}

const partLength = 10;

/** Both halves of a long word, so that a word that was cut is found too; what is made of several words is no use in halves. */
function partsOf(text: string): { part: string; note: string }[] {
  if (text.length < 2 * partLength || /\W/.test(text)) return [{ part: text, note: '' }];
  return [
    { part: text.slice(0, partLength), note: '' },
    { part: text.slice(-partLength), note: ' (its end)' },
  ];
}

interface Window {
  readonly bytes: Buffer;
  /** The rest are the first bytes of the next window. */
  readonly own: number;
  readonly offset: number;
}

async function* windowsOf(stream: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Window> {
  const pieces: Buffer[] = [];
  let held = 0;
  let offset = 0;
  for await (const piece of stream) {
    pieces.push(piece);
    held += piece.length;
    if (held < windowBytes + overlapBytes) continue;
    const bytes = Buffer.concat(pieces);
    const own = bytes.length - overlapBytes;
    yield { bytes, own, offset };
    offset += own;
    held = overlapBytes;
    pieces.splice(0, pieces.length, bytes.subarray(own));
  }
  const bytes = Buffer.concat(pieces);
  yield { bytes, own: bytes.length, offset };
}

const runDigitsMin = 32;
const isDigit = bytesLike(/[\w+/-]/);
const isHexDigit = bytesLike(/[0-9a-f]/i);

function bytesLike(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (pattern.test(String.fromCharCode(byte)) ? 1 : 0));
}

/** Stretches of base64 digits, which hex digits are too, that begin within `own`. */
function* runsOfDigits(bytes: Buffer, own: number): Generator<{ start: number; end: number }> {
  for (let start = 0; start < own; start++) {
    let end = start;
    while (end < bytes.length && isDigit[bytes[end]!] === 1) end++;
    if (end - start >= runDigitsMin) yield { start, end };
    start = end;
  }
}

/** What may be written there: other text may stand right before and behind, so that each place for a first digit is tried. */
function decodeRun(run: Buffer): { encoding: string; content: Buffer }[] {
  const text = run.toString('latin1');
  // PostgreSQL writes `\x` in front of hex, and a dump is full of it.
  const digits = text.startsWith('x') ? text.slice(1) : text;
  if (isHex(run.subarray(text.length - digits.length))) return [decode(digits, 'hex')];
  const hexRuns = text.match(/[0-9a-f]{32,}/gi) ?? [];
  return [
    ...hexRuns.flatMap((hex) => [0, 1].map((skip) => decode(hex.slice(skip), 'hex'))),
    ...[0, 1, 2, 3].map((skip) => decode(text.slice(skip), 'base64')),
  ];
}

function decode(digits: string, encoding: 'hex' | 'base64') {
  return { encoding, content: Buffer.from(digits, encoding) };
}

function isHex(digits: Buffer): boolean {
  return digits.every((byte) => isHexDigit[byte] === 1);
}
