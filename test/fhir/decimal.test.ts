// Decimals are exact and nothing is lost in rounding: https://hl7.org/fhir/R4/datatypes.html#decimal

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  divideHalfUp,
  formatDecimal,
  readDecimal,
  roundToSum,
  splitByLargestRemainder,
  sumOf,
  timesHalfUp,
} from '../../src/fhir/decimal.ts';

const seed = 20_261_120;
const big = (limit: bigint) => fc.bigInt({ min: -limit, max: limit });

describe('a decimal is read as it was written', () => {
  test.each([
    ['0', 0n, 0],
    ['-0', 0n, 0],
    ['1.00', 1n, 0],
    ['0.190', 19n, 2],
    ['-12.5', -125n, 1],
    ['1e3', 1000n, 0],
    ['1.5E-2', 15n, 3],
    ['12.34e1', 1234n, 1],
    ['999999999999999999', 999_999_999_999_999_999n, 0],
    ['0.000000000000000001', 1n, 18],
  ])('%s', (text, digits, scale) => {
    expect(readDecimal(text)).toEqual({ digits, scale });
  });

  test.each([
    '',
    '.5',
    '1.',
    '01',
    '+1',
    '1,00',
    'NaN',
    'Infinity',
    '1e',
    '1e1000',
    '1e19',
    '1e-19',
    ` 1`,
    `1\n`,
    '0x1',
  ])('%j is none, or has too many places', (text) => {
    expect(readDecimal(text)).toBeUndefined();
  });

  test('a JSON number of up to 15 digits is what its text said', () => {
    const written = fc.tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }), fc.nat(18));
    fc.assert(
      fc.property(written, ([isNegative, digits, scale]) => {
        const text = formatDecimal({ digits: isNegative ? -digits : digits, scale });
        expect(readDecimal(Number(text))).toEqual(readDecimal(text));
      }),
      { seed },
    );
  });

  test('reading what was formatted gives the same value', () => {
    fc.assert(
      fc.property(big(10n ** 18n - 1n), fc.nat(18), (digits, scale) => {
        const read = readDecimal(formatDecimal({ digits, scale }));
        expect(read && read.digits * 10n ** BigInt(scale - read.scale)).toBe(digits);
      }),
      { seed },
    );
  });
});

describe('rounding is half up, away from zero', () => {
  test.each([
    [1n, 2n, 1n],
    [-1n, 2n, -1n],
    [1n, -2n, -1n],
    [3n, 2n, 2n],
    [149n, 100n, 1n],
    [150n, 100n, 2n],
    [-149n, 100n, -1n],
    [0n, 7n, 0n],
  ])('%s / %s is %s', (numerator, denominator, expected) => {
    expect(divideHalfUp(numerator, denominator)).toBe(expected);
  });

  test('12.5 % of 1.00 is 0.13 and 1.005 is 1.01, which floats get wrong (contract.md 25)', () => {
    expect(timesHalfUp(100n, { digits: 125n, scale: 3 })).toBe(13n);
    expect(timesHalfUp(100n, { digits: 1005n, scale: 3 })).toBe(101n);
    expect(Math.round(1.005 * 100)).toBe(100);
  });

  test('the result is never further off than a half, and its mirror image is rounded alike', () => {
    fc.assert(
      fc.property(big(10n ** 20n), fc.bigInt({ min: 1n, max: 10n ** 9n }), (numerator, denominator) => {
        const quotient = divideHalfUp(numerator, denominator);
        const error = 2n * (quotient * denominator - numerator);
        expect(error <= denominator && error >= -denominator).toBe(true);
        expect(divideHalfUp(-numerator, denominator)).toBe(-quotient);
      }),
      { seed },
    );
  });
});

describe('a split loses nothing (domain.md 3.4: largest remainder)', () => {
  test.each([
    [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    [-100n, [1n, 1n, 1n], [-34n, -33n, -33n]],
    [5n, [70n, 20n, 10n], [4n, 1n, 0n]],
    [1n, [0n, 3n], [0n, 1n]],
    [3n, [0n, 0n], [2n, 1n]],
    [0n, [], []],
  ])('%s by %s is %s', (total, weights, expected) => {
    expect(splitByLargestRemainder(total, weights)).toEqual(expected);
  });

  test('the parts sum to the whole, each within one unit of its share, and a weight of zero gets nothing', () => {
    const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 6n }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(big(10n ** 15n), weights, (total, shares) => {
        const parts = splitByLargestRemainder(total, shares);
        const sum = sumOf(shares);
        expect(sumOf(parts)).toBe(total);
        for (const [index, part] of parts.entries()) {
          if (sum === 0n) continue;
          const error = part * sum - total * shares[index]!;
          expect(error < sum && error > -sum).toBe(true);
          if (shares[index] === 0n) expect(part).toBe(0n);
        }
      }),
      { seed },
    );
  });

  test('parts of both signs round to their rounded sum', () => {
    const numerators = fc.array(big(10n ** 12n), { maxLength: 10 });
    fc.assert(
      fc.property(numerators, fc.bigInt({ min: 1n, max: 10n ** 6n }), (parts, denominator) => {
        const total = divideHalfUp(sumOf(parts), denominator);
        expect(sumOf(roundToSum(parts, denominator, total))).toBe(total);
      }),
      { seed },
    );
  });

  test('a total that the parts do not round to is refused', () => {
    expect(() => roundToSum([10n, 10n], 10n, 5n)).toThrow(RangeError);
    expect(() => roundToSum([], 1n, 1n)).toThrow(RangeError);
  });
});
