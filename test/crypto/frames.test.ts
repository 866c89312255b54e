// A long body in frames comes back whole or not at all: security.md 1.10

import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openFrames, sealFrames } from '../../src/crypto/frames.ts';
import { createTenantCipher } from '../../src/crypto/tenant-cipher.ts';

const cipher = createTenantCipher(
  1,
  [{ version: 1, key: createSecretKey(Buffer.alloc(32, 'data')) }],
  createSecretKey(Buffer.alloc(32, 'index')),
  { beforeSeal: () => undefined, onUnknownKey: () => undefined },
);
const frameBytes = 65_536;

/** Each stored frame: its length and its box together. */
function framesOf(body: Buffer, context: string): Buffer[] {
  const parts = [...sealFrames(cipher, body, context)];
  return Array.from({ length: parts.length / 2 }, (_, n) => Buffer.concat([parts[2 * n]!, parts[2 * n + 1]!]));
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const openAll = (frames: readonly Buffer[], context: string, size = 10_000) =>
  openFrames(cipher, inPieces(Buffer.concat([...frames]), size), context);

describe('a body in frames', () => {
  test.each([0, 1, frameBytes - 1, frameBytes, frameBytes + 1, 3 * frameBytes, 3 * frameBytes + 7])(
    'of %i bytes comes back, in pieces of any size',
    async (length) => {
      const body = randomBytes(length);
      const frames = framesOf(body, 'Binary|b|1');
      expect(frames).toHaveLength(Math.max(1, Math.ceil(length / frameBytes)));
      for (const size of [1_000, frameBytes, 10 ** 7])
        expect((await openAll(frames, 'Binary|b|1', size)).equals(body)).toBe(true);
    },
  );

  test('comes back in pieces of one byte', async () => {
    const body = randomBytes(500);
    expect(await openAll(framesOf(body, 'x'), 'x', 1)).toEqual(body);
  });

  const frames = framesOf(randomBytes(3 * frameBytes + 7), 'Binary|b|1');
  const [first, second, third, last] = frames as [Buffer, Buffer, Buffer, Buffer];
  const others = framesOf(randomBytes(3 * frameBytes + 7), 'Binary|c|1');
  test.each([
    ['without its last frame', [first, second, third]],
    ['without its first frame', [second, third, last]],
    ['without one in the middle', [first, third, last]],
    ['with two frames swapped', [first, third, second, last]],
    ['with a frame twice', [first, second, second, third, last]],
    ['with its last frame twice', [first, second, third, last, last]],
    ['with a frame of another body in its place', [first, others[1]!, third, last]],
    ['with the last frame alone', [last]],
    ['with nothing', []],
    ['cut within a frame', [first, second, third, last.subarray(0, -1)]],
    ['cut within a length', [first, second, third, last, Buffer.alloc(3)]],
    ['with bytes behind it', [first, second, third, last, Buffer.from('more')]],
    ['with an empty frame behind it', [first, second, third, last, Buffer.alloc(4)]],
    ['with a frame that claims to be huge', [Buffer.from([0x7f, 0xff, 0xff, 0xff]), first]],
  ])('does not open %s', async (_, changed) => {
    await expect(openAll(changed, 'Binary|b|1')).rejects.toThrow();
  });

  test('does not open as another version, and not with any byte changed', async () => {
    await expect(openAll(frames, 'Binary|b|2')).rejects.toThrow();
    const whole = Buffer.concat(framesOf(Buffer.alloc(100_000, 'x'), 'x'));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ bits;
        await expect(openFrames(cipher, inPieces(changed, 5_000), 'x')).rejects.toThrow();
      }),
      { seed: 20_261_120, numRuns: 300 },
    );
  });

  test('an interrupted source is an error, not a short body', async () => {
    async function* broken() {
      yield first;
      throw new Error('disk gone');
    }
    await expect(openFrames(cipher, broken(), 'Binary|b|1')).rejects.toThrow('disk gone');
  });
});
