// The scanner finds a word however it is written, or the canary test proves nothing: each spelling and compression is planted.

import { randomBytes } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compressions, surrounded, writings } from './forms.ts';
import { Inflater } from './inflate.ts';
import { type Hit, Scanner } from './scanner.ts';

const text = 'CnryFixture7k2m9x4qw8';
const date = Buffer.from('0123456789abcdef', 'hex');
const scanner = new Scanner([
  { name: 'the word', texts: [text], binary: [{ encoding: 'binary', bytes: date }] },
  { name: 'another word', texts: ['CnryAnother0p9o8i7u6y5'] },
  { name: 'a phone', texts: ['+1 (555) 01234-56789', '15550123456789'] },
]);

/** As tools of their own wrote them; in none of them the word is readable. */
const fixtures = {
  'lz4 1.9':
    'BCJNGGRAp0MAAADgQ25yeUZpfEZpeHR1cnwFAKBlN3xyZTdrMm18BQC/OXh8OXg0cXc4fC0BACgCZgACXgABVQAAUgAPTQAlUC0tLS0KAAAAAPpS+zI=',
  'zstd 1.5': 'KLUv/SS43QEARAJDbnJ5Rml8Rml4dHVyfGU3fGsybXw5eHw5eDRxdzh8LXh0dQoIAHkSKhygwzEpHgBe8a5FXhgQFCWtTW2L',
  'PostgreSQL, pglz':
    'pgEAAHwKAAD+LQ8B/w8B/w8B/w8B/w8B/w8B/w8B/wcPAf8PAf8PARhDbnJ5RgBpfEZpeHR1cgJ8AQVlN3xyZTcQazJtfAEFOXh8gDl4NHF3OHwPQQV/DwETA2YDXgJVAVIPLAUPARMK',
  'PostgreSQL, LZ4':
    'YgEAAHwKAEAfLQEA////////////ueBDbnJ5Rml8Rml4dHVyfAUAoGU3fHJlN2sybXwFAK85eHw5eDRxdzh87QkpAmYAAl4AAVUAAFIAD1EAJVAtLS0tCg==',
};
const fixture = (name: keyof typeof fixtures) => Buffer.from(fixtures[name], 'base64');

const inCase: Readonly<Record<string, (word: string) => string>> = {
  'as given': (word) => word,
  'upper case': (word) => word.toUpperCase(),
  'lower case': (word) => word.toLowerCase(),
};

const wrappings: Readonly<Record<string, (block: Buffer) => Buffer>> = {
  none: (block) => block,
  hex: (block) => Buffer.from(`\\x${block.toString('hex')}`),
  base64: (block) => Buffer.from(`xyz${block.toString('base64')}`),
};

async function wordsIn(...stream: Buffer[]): Promise<string[]> {
  return [...new Set((await scanner.scan(stream)).map(({ word }) => word))];
}

describe('a word is found', () => {
  test.each(Object.keys(writings).flatMap((name) => Object.keys(inCase).map((ofCase) => [name, ofCase] as const)))(
    'as %s, %s',
    async (writing, ofCase) => {
      const content = writings[writing]!(Buffer.from(inCase[ofCase]!(text)));
      expect(await wordsIn(surrounded(content))).toEqual(['the word']);
    },
  );

  test.each([text.slice(0, 10), text.slice(-10)])('by its half %s', async (half) => {
    expect(await wordsIn(Buffer.from(`...${half}...`))).toEqual(['the word']);
  });

  test('in a binary form of its own, in each of several texts, and beside another word', async () => {
    expect(await wordsIn(Buffer.concat([Buffer.from('..'), date, Buffer.from('CNRYANOTHER0P9O8I7U6Y5')]))).toEqual([
      'the word',
      'another word',
    ]);
    expect(await wordsIn(Buffer.from('tel:+1 (555) 01234-56789'))).toEqual(['a phone']);
    expect(await wordsIn(Buffer.from('{"phone":"15550123456789"}'))).toEqual(['a phone']);
  });

  test.each(Object.keys(fixtures) as (keyof typeof fixtures)[])('in a block of %s', async (name) => {
    const block = fixture(name);
    expect(block.includes(text)).toBe(false);
    expect(await wordsIn(block)).toEqual(name.startsWith('PostgreSQL') ? [] : ['the word']);
    const [hit, ...more] = await scanner.scan([Buffer.concat([randomBytes(13), block, randomBytes(40)])]);
    expect(hit).toMatchObject({
      word: 'the word',
      encoding: 'plain',
      inside: [expect.any(String)],
      offset: expect.any(Number),
    });
    expect(new Set(more.map(({ word }) => word))).toEqual(new Set(['the word']));
  });

  test('in the first piece of a TOAST value, which its row holds no more', async () => {
    const stored = fixture('PostgreSQL, pglz').subarray(4);
    const head = Buffer.alloc(12);
    head.writeUInt32LE(16_411, 0);
    head.writeUInt32LE((stored.length + 4) << 2, 8);
    expect(await wordsIn(Buffer.concat([head, stored]))).toEqual(['the word']);
  });

  test('over the border of two pieces and of two windows, plain and in a block', async () => {
    const megabyte = 1_048_576;
    for (const place of [megabyte, 5 * megabyte]) {
      for (const content of [Buffer.from(text), gzipSync(surrounded(Buffer.from(text)))]) {
        const bytes = Buffer.alloc(7 * megabyte);
        bytes.set(content, place - Math.floor(content.length / 2));
        const pieces = Array.from({ length: 7 }, (_, n) => bytes.subarray(n * megabyte, (n + 1) * megabyte));
        expect(await wordsIn(...pieces)).toEqual(['the word']);
      }
    }
  });

  test('in DEFLATE that ends before its end, or is damaged behind the word', async () => {
    const block = deflateRawSync(Buffer.concat([surrounded(Buffer.from(text)), randomBytes(400)]));
    expect(await wordsIn(block.subarray(0, -350))).toEqual(['the word']);
    expect(await wordsIn(Buffer.concat([block.subarray(0, -350), Buffer.alloc(400, 0xff)]))).toEqual(['the word']);
  });

  test('wherever it is, however it is written, compressed and wrapped (seed 4711)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.values(writings)),
        fc.constantFrom(...Object.values(inCase)),
        fc.constantFrom((content: Buffer) => content, ...Object.values(compressions)),
        fc.constantFrom(...Object.values(wrappings)),
        fc.uint8Array({ maxLength: 64 }),
        async (write, changeCase, compress, wrap, noise) => {
          const content = surrounded(write(Buffer.from(changeCase(text))));
          const block = wrap(compress(content));
          expect(await wordsIn(Buffer.concat([noise, block, noise]))).toContain('the word');
        },
      ),
      { seed: 4711, numRuns: 600 },
    );
  });
});

describe('nothing is found', () => {
  test('in noise, in other text, in other words', async () => {
    expect(await scanner.scan([randomBytes(2_000_000)])).toEqual([]);
    expect(await scanner.scan([surrounded(Buffer.from(`${text.slice(0, 9)} ${text.slice(1, 5)}`))])).toEqual([]);
    expect(await scanner.scan([])).toEqual([]);
  });
});

test('a hit says what, how, in which block and where', async () => {
  const bytes = Buffer.concat([Buffer.alloc(7, 0xff), deflateRawSync(Buffer.from(`${'.'.repeat(50)}${text}`))]);
  const hits: Hit[] = await scanner.scan([bytes]);
  expect(hits).toContainEqual({ word: 'the word', encoding: 'plain', inside: ['DEFLATE'], offset: 7 });
});

test('what zlib has deflated, in any way, is read as it was', () => {
  const inflater = new Inflater();
  const source = Buffer.from(
    Array.from({ length: 9_000 }, (_, n) => ['abcd', `hello ${n}`, randomBytes(20).toString('base64')][n % 3]).join(''),
  );
  for (const level of [0, 1, 6, 9]) {
    for (const strategy of [0, 1, 2, 3, 4]) {
      const pieces: Buffer[] = [];
      const block = deflateRawSync(source, { level, strategy });
      inflater.read(Buffer.concat([Buffer.from('xy'), block]), 2, 1, (piece) => pieces.push(Buffer.from(piece)));
      expect(Buffer.concat(pieces).equals(source)).toBe(true);
    }
  }
});
