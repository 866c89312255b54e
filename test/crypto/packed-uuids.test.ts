// Packing shortens each UUID of a text and loses nothing of it: RFC 9562 section 4

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { packUuids, unpackUuids, uuidMark } from '../../src/crypto/packed-uuids.ts';

const seed = 20_261_121;
const packed = (text: string) => packUuids(Buffer.from(text));
const uuid = '01a2007c-a6dd-74d7-95d5-a132fcc224d9';

describe('packed UUIDs', () => {
  const part = fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
    // What is nearly one, and hyphens where none belongs.
    fc.tuple(fc.uuid(), fc.nat(35), fc.constantFrom('', '-', 'g', 'A', 'é')).map(([id, at, other]) => {
      return id.slice(0, at) + other + id.slice(at + 1);
    }),
    fc.string({ unit: fc.constantFrom('-', '0', 'a', 'f', 'F', '"', '/', ' ') }),
    fc.string({ unit: 'binary' }),
  );

  test('are what they were once they are unpacked, wherever they stand', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        expect(unpackUuids(packed(text)).toString()).toBe(Buffer.from(text).toString());
      }),
      { seed, numRuns: 3_000 },
    );
  });

  test('take 17 bytes instead of 36', () => {
    fc.assert(
      fc.property(fc.array(fc.uuid(), { maxLength: 9 }), (ids) => {
        const text = ids.map((id) => `{"reference":"Patient/${id}"}`).join(' - ');
        expect(packed(text).length).toBe(text.length - 19 * ids.length);
      }),
      { seed, numRuns: 300 },
    );
    expect(packed(uuid)).toEqual(Buffer.concat([Buffer.of(uuidMark), Buffer.from(uuid.replaceAll('-', ''), 'hex')]));
  });

  test.each([
    ['in upper case', uuid.toUpperCase()],
    ['one of its digits in upper case', uuid.replace('d9', 'D9')],
    ['too short', uuid.slice(1)],
    ['cut off', uuid.slice(0, -1)],
    ['without hyphens', uuid.replaceAll('-', '')],
    ['with a hyphen in the wrong place', '01a2007c-a6dd7-4d7-95d5-a132fcc224d9'],
    ['with a letter that is no digit', uuid.replace('d9', 'g9')],
    ['hyphens alone', '-'.repeat(40)],
    ['nothing', ''],
  ])('stay as they are %s', (_, text) => {
    expect(packed(text).toString()).toBe(text);
  });
});
