// The day of money is that of the clinic's own clocks: contract.md 38, domain.md 6 (Time zones/DST).

import { expect, test } from '@jest/globals';
import { localDay, requirePast } from '../../../src/clinic/payments/business-day.ts';

test.each([
  ['2026-11-20T23:30:00Z', 'UTC', '2026-11-20'],
  ['2026-11-20T23:30:00Z', 'Europe/Zurich', '2026-11-21'],
  ['2026-11-20T10:30:00Z', 'Pacific/Kiritimati', '2026-11-21'],
  ['2026-11-20T07:59:00Z', 'America/Los_Angeles', '2026-11-19'],
])('%s in %s is %s', (at, zone, day) => {
  expect(localDay(new Date(at), zone)).toBe(day);
});

test('money is of today or earlier', () => {
  expect(() => requirePast('2026-11-20', '2026-11-20')).not.toThrow();
  expect(() => requirePast('2025-12-31', '2026-11-20')).not.toThrow();
  expect(() => requirePast('2026-11-21', '2026-11-20')).toThrow(expect.objectContaining({ status: 422 }));
});
