// A long body in frames comes back whole or not at all: security.md 1.10

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openFrames, sealFrames } from '../../src/crypto/frames.ts';
import { makeCipher } from '../support/cipher.ts';

const cipher = makeCipher();
const frameBytes = 65_536;

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const collected: Buffer[] = [];
  for await (const piece of pieces) collected.push(piece);
  return collected;
}

/** Each stored frame: its length and its box together. */
const framesOf = (body: Buffer, context: string, size = 50_000) =>
  collect(sealFrames(cipher, inPieces(body, size), context));

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const openBytes = async (bytes: AsyncIterable<Buffer>, context: string) =>
  Buffer.concat(await collect(openFrames(cipher, bytes, context)));
const openAll = (frames: readonly Buffer[], context: string, size = 10_000) =>
  openBytes(inPieces(Buffer.concat([...frames]), size), context);

describe('a body in frames', () => {
  test.each([0, 1, frameBytes - 1, frameBytes, frameBytes + 1, 3 * frameBytes, 3 * frameBytes + 7])(
    'of %i bytes comes back, in pieces of any size',
    async (length) => {
      const body = randomBytes(length);
      const frames = await framesOf(body, 'Binary|b|1');
      expect(frames).toHaveLength(Math.max(1, Math.ceil(length / frameBytes)));
      for (const size of [1_000, frameBytes, 10 ** 7])
        expect((await openAll(frames, 'Binary|b|1', size)).equals(body)).toBe(true);
    },
  );

  test('comes back in pieces of one byte', async () => {
    const body = randomBytes(500);
    expect(await openAll(await framesOf(body, 'x', 1), 'x', 1)).toEqual(body);
  });

  type Four = readonly [first: Buffer, second: Buffer, third: Buffer, last: Buffer];
  const four = async (context: string) => (await framesOf(randomBytes(3 * frameBytes + 7), context)) as unknown as Four;
  test.each<readonly [string, (frames: Four, others: Four) => readonly Buffer[]]>([
    ['without its last frame', ([first, second, third]) => [first, second, third]],
    ['without its first frame', ([, second, third, last]) => [second, third, last]],
    ['without one in the middle', ([first, , third, last]) => [first, third, last]],
    ['with two frames swapped', ([first, second, third, last]) => [first, third, second, last]],
    ['with a frame twice', ([first, second, third, last]) => [first, second, second, third, last]],
    ['with its last frame twice', ([first, second, third, last]) => [first, second, third, last, last]],
    ['with a frame of another body in its place', ([first, , third, last], others) => [first, others[1], third, last]],
    ['with the last frame alone', ([, , , last]) => [last]],
    ['with nothing', () => []],
    ['cut within a frame', ([first, second, third, last]) => [first, second, third, last.subarray(0, -1)]],
    ['cut within a length', ([first, second, third, last]) => [first, second, third, last, Buffer.alloc(3)]],
    ['with bytes behind it', ([first, second, third, last]) => [first, second, third, last, Buffer.from('more')]],
    ['with an empty frame behind it', ([first, second, third, last]) => [first, second, third, last, Buffer.alloc(4)]],
    ['with a frame that claims to be huge', ([first]) => [Buffer.from([0x7f, 0xff, 0xff, 0xff]), first]],
  ])('does not open %s', async (_, change) => {
    const changed = change(await four('Binary|b|1'), await four('Binary|c|1'));
    await expect(openAll(changed, 'Binary|b|1')).rejects.toThrow();
  });

  test('does not open as another version, and not with any byte changed', async () => {
    await expect(openAll(await four('Binary|b|1'), 'Binary|b|2')).rejects.toThrow();
    const whole = Buffer.concat(await framesOf(Buffer.alloc(100_000, 'x'), 'x'));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ bits;
        await expect(openBytes(inPieces(changed, 5_000), 'x')).rejects.toThrow();
      }),
      { seed: 20_261_120, numRuns: 300 },
    );
  });

  test('an interrupted source is an error, not a short body', async () => {
    const [first] = await four('Binary|b|1');
    async function* broken() {
      yield first;
      throw new Error('disk gone');
    }
    await expect(openBytes(broken(), 'Binary|b|1')).rejects.toThrow('disk gone');
    await expect(collect(sealFrames(cipher, broken(), 'x'))).rejects.toThrow('disk gone');
  });

  test('holds two frames at most, either way, however slowly it is read', async () => {
    let asked = 0;
    async function* counted(pieces: Iterable<Buffer>) {
      for (const piece of pieces) {
        asked++;
        yield piece;
      }
    }
    const body = Array.from({ length: 40 }, () => randomBytes(frameBytes));
    const frames: Buffer[] = [];
    for await (const frame of sealFrames(cipher, counted(body), 'x')) {
      frames.push(frame);
      expect(asked).toBeLessThanOrEqual(frames.length + 1);
    }
    asked = 0;
    let opened = 0;
    for await (const plain of openFrames(cipher, counted(frames), 'x')) {
      expect(plain.equals(body[opened] as Buffer)).toBe(true);
      opened++;
      expect(asked).toBeLessThanOrEqual(opened + 1);
    }
    expect(opened).toBe(40);
  });
});
