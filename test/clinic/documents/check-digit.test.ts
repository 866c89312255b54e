// The check character of a card's number: ISO/IEC 7064, MOD 37,36.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkDigitOf } from '../../../src/clinic/documents/check-digit.ts';

const seed = 20_261_120;
const characters = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const numbers = fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength: 20 });

describe('the check character', () => {
  // The example of the Global Release Identifier, which uses the same system: A1-2425G-ABC1234002-M.
  test('is that of a published example', () => {
    expect(checkDigitOf('A12425GABC1234002')).toBe('M');
  });

  test('does not depend on case and separators', () => {
    expect(checkDigitOf('pat-2026-00001')).toBe(checkDigitOf('PAT202600001'));
  });

  test('tells every single wrong character', () => {
    fc.assert(
      fc.property(numbers, fc.nat(), fc.constantFrom(...characters), (number, at, other) => {
        const position = at % number.length;
        fc.pre(number[position] !== other);
        const wrong = number.with(position, other);
        expect(checkDigitOf(wrong.join(''))).not.toBe(checkDigitOf(number.join('')));
      }),
      { seed },
    );
  });

  test('tells two neighbours that changed places, but for one pair of values in all', () => {
    let missed = 0;
    for (const first of characters) {
      for (const second of characters) {
        if (first !== second && checkDigitOf(`X${first}${second}Y`) === checkDigitOf(`X${second}${first}Y`))
          missed += 1;
      }
    }
    expect(missed).toBeLessThanOrEqual(2);
  });
});
