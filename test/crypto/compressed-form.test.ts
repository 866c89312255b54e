// What is filled into a compressed form expands to the text of the form with these values
// (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md)

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compressForm, type Slot, type TextForm } from '../../src/crypto/compressed-form.ts';
import { makeCipher } from '../support/cipher.ts';

const seed = 20_261_123;
const cipher = makeCipher();
const uuid = '018f2b6e-0000-7000-8000-0000000000a2';

function expanded(form: TextForm, slots: readonly Slot[], values: readonly string[]): string | undefined {
  const compressed = compressForm(form, slots)?.filled(values);
  return compressed && cipher.open(cipher.sealCompressed(compressed, 'test'), 'test').toString();
}

function text({ pieces, order }: TextForm, values: readonly string[]): string {
  return pieces.map((piece, index) => piece + (values[order[index] ?? -1] ?? '')).join('');
}

/** What LZ4 copies nothing of. */
const end = '"}],"last":"one"}';

describe('a compressed form', () => {
  /** What AuditEvents have in common, so that matches reach from the dictionary to the values' edges, and what nothing has. */
  const piece = fc.oneof(
    fc.constantFrom(
      '"},',
      '/_history/',
      '","type":"Patient"},',
      '{"what":{"reference":"Patient/',
      '"recorded":"202',
      '',
    ),
    fc.string({ unit: 'binary' }),
    fc.uuid(),
    fc.string({ unit: fc.constantFrom('a', 'b') }),
  );
  const slotAndValue = fc.oneof(
    fc.uuid().map((id): [Slot, string] => ['uuid', id]),
    fc
      .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 24 })
      .map((value): [Slot, string] => [value.length, value]),
  );

  test('gives the text with the values, each in all its places, or says that it cannot', () => {
    let filled = 0;
    fc.assert(
      fc.property(
        fc.array(slotAndValue, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(piece, fc.nat(7)), { minLength: 1, maxLength: 12 }),
        piece,
        (slots, parts, last) => {
          const pieces = [...parts.map(([before]) => before), last + end];
          const form = { pieces, order: parts.map(([, slot]) => slot % slots.length) };
          const values = slots.map(([, value]) => value);
          const result = expanded(
            form,
            slots.map(([slot]) => slot),
            values,
          );
          if (result === undefined) return;
          filled += 1;
          expect(result).toBe(text(form, values));
        },
      ),
      { seed, numRuns: 2_000 },
    );
    expect(filled).toBeGreaterThan(1_000);
  });

  const form = { pieces: ['{"reference":"Patient/', '/_history/', '","again":"Patient/', end], order: [0, 1, 0] };

  test('has room for values of its slots only', () => {
    expect(expanded(form, ['uuid', 1], [uuid, '7'])).toBe(text(form, [uuid, '7']));
    for (const other of [
      uuid.toUpperCase(),
      uuid.replace('a2', 'g2'),
      uuid.replace('a2', 'İ2'),
      uuid.slice(1),
      'p1',
      '',
    ])
      expect(expanded(form, ['uuid', 1], [other, '7'])).toBeUndefined();
    expect(expanded(form, ['uuid', 1], [uuid, '12'])).toBeUndefined();
  });

  test('is filled anew each time', () => {
    const compressed = compressForm(form, ['uuid', 1]);
    const [first, second] = [uuid, uuid.replace('a2', 'b3')].map((id) => compressed?.filled([id, '1']));
    expect(first?.input).toEqual(compressed?.filled([uuid, '1'])?.input);
    expect(first?.input).not.toEqual(second?.input);
    expect(first?.input).toHaveLength(second?.input.length ?? 0);
  });
});
