// Amounts are integers of the currency's smallest unit: https://hl7.org/fhir/R4/datatypes.html#Money

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { serializeJson } from '../../src/fhir/json.ts';
import { type Currency, exactAmounts, formatAmount, isCurrency, readAmount, toMoney } from '../../src/fhir/money.ts';

const seed = 20_261_120;
const currencies: readonly Currency[] = ['USD', 'JPY', 'KWD', 'CLF'];
const amounts = fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n });

describe('the smallest unit is that of ISO 4217', () => {
  test.each([
    ['USD', 12_345n, '123.45'],
    ['USD', 5n, '0.05'],
    ['USD', -5n, '-0.05'],
    ['EUR', 10_000n, '100.00'],
    ['JPY', 12_345n, '12345'],
    ['JPY', -1n, '-1'],
    ['KWD', 12_345n, '12.345'],
    ['CLF', 12_345n, '1.2345'],
  ] as const)('%s %s is %s', (currency, amountMinor, text) => {
    expect(formatAmount(amountMinor, currency)).toBe(text);
    expect(readAmount(text, currency)).toBe(amountMinor);
  });

  test.each(['XAU', 'XXX', 'XTS', 'usd', 'EURO', ''])('%j is no currency to charge in', (code) => {
    expect(isCurrency(code)).toBe(false);
  });
});

describe('an amount is exact or it is none (domain.md 3.4)', () => {
  test('zeros do not count as decimals', () => {
    expect(readAmount('1.2300', 'USD')).toBe(123n);
    expect(readAmount('1.0', 'JPY')).toBe(1n);
  });

  test.each([
    ['1.005', 'USD'],
    ['0.5', 'JPY'],
    ['1.2345', 'KWD'],
    ['10000000000000', 'USD'],
    ['1,00', 'USD'],
  ] as const)('%s %s is none', (text, currency) => {
    expect(readAmount(text, currency)).toBeUndefined();
  });

  test('what is written as Money reads back the same, also through JSON', () => {
    fc.assert(
      fc.property(amounts, fc.constantFrom(...currencies), (amountMinor, currency) => {
        const { value } = JSON.parse(JSON.stringify(toMoney(amountMinor, currency))) as { value: number };
        expect(readAmount(value, currency)).toBe(amountMinor);
      }),
      { seed },
    );
  });

  test('an amount that a JSON number cannot hold is not written', () => {
    expect(() => toMoney(10n ** 15n, 'USD')).toThrow(RangeError);
  });
});

test('amounts of a resource are serialised with all their decimals', () => {
  const invoice = {
    lines: [{ amount: toMoney(10_000n, 'USD'), factor: 0.1 }, { amount: toMoney(1999n, 'USD') }],
    total: toMoney(11_990n, 'USD'),
    yen: toMoney(100n, 'JPY'),
    quantity: { value: 1 },
  };
  expect(serializeJson(invoice, exactAmounts(invoice))).toBe(
    '{"lines":[{"amount":{"value":100.00,"currency":"USD"},"factor":0.1},{"amount":{"value":19.99,"currency":"USD"}}],' +
      '"total":{"value":119.90,"currency":"USD"},"yen":{"value":100,"currency":"JPY"},"quantity":{"value":1}}',
  );
});
