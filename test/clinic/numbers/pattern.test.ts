// How numbers are written and when they begin again: contract.md 45, domain.md D11.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatNumber, periodOf } from '../../../src/clinic/numbers/pattern.ts';

const at = new Date('2026-12-31T23:30:00Z');
const dated = (pattern: string, period = '', timezone: string | null = null) => ({ pattern, period, timezone });

test.each([
  ['PAT-{yyyy}-{00000}', '2026', 1, 'PAT-2026-00001'],
  ['{yy}{MM}{dd}.{0}', '2026-11-20', 42, '261120.42'],
  ['P {000}', '', 12_345, 'P 12345'],
])('%s in %s is written %s', (pattern, period, number, text) => {
  expect(formatNumber(pattern, period, number)).toBe(text);
});

test.each([
  ['{0}', 'UTC', ''],
  ['{yy}{0}', 'UTC', '2026'],
  ['{yyyy}{MM}{0}', 'UTC', '2026-12'],
  ['{yyyy}{MM}{dd}{0}', 'UTC', '2026-12-31'],
  ['{yyyy}{MM}{dd}{0}', 'Asia/Tokyo', '2027-01-01'],
  ['{yyyy}{0}', 'America/New_York', '2026'],
])('the period of %s in %s is %s', (pattern, timezone, period) => {
  expect(periodOf(dated(pattern, '', timezone), at)).toBe(period);
});

test('the period never goes back: who began before midnight counts on with those after it', () => {
  expect(periodOf(dated('{yyyy}{0}', '2027'), at)).toBe('2027');
  expect(periodOf(dated('{yyyy}{0}', '2025'), at)).toBe('2026');
});

test('two numbers of one period are never written alike, and in their order', () => {
  const number = fc.integer({ min: 1, max: 99_999 });
  fc.assert(
    fc.property(number, number, (one, other) => {
      const [a, b] = [one, other].map((value) => formatNumber('PAT-{yyyy}-{00000}', '2026', value));
      expect(a! < b!).toBe(one < other);
    }),
    { seed: 45 },
  );
});
