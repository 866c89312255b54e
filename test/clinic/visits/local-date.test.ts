// The day of an instant where it takes place: contract.md 15, domain.md section 6 (time zones).

import { expect, test } from '@jest/globals';
import { localDate } from '../../../src/clinic/visits/local-date.ts';

test.each([
  ['2026-11-23T23:30:00Z', 'UTC', '2026-11-23'],
  ['2026-11-23T23:30:00Z', 'Europe/Zurich', '2026-11-24'],
  ['2026-11-23T03:30:00Z', 'America/New_York', '2026-11-22'],
  ['2026-11-23T10:00:00Z', 'Pacific/Kiritimati', '2026-11-24'],
  // The clocks go forward at one and back at one: 23:59 before and 00:00 after are two days all the same.
  ['2026-03-28T23:59:00Z', 'Europe/London', '2026-03-28'],
  ['2026-03-29T23:00:00Z', 'Europe/London', '2026-03-30'],
  ['2026-10-25T23:59:00Z', 'Europe/London', '2026-10-25'],
])('%s in %s is %s', (instant, zone, expected) => {
  expect(localDate(new Date(instant), zone)).toBe(expected);
});
