// The state machine of an Appointment: domain.md SM-1 with its ruling (any forward jump), contract.md 4, 5 and 11.

import { describe, expect, test } from '@jest/globals';
import type { Appointment } from '@medplum/fhirtypes';
import { holdsTime, mayFollow } from '../../../src/clinic/scheduling/appointment-status.ts';

type Status = Appointment['status'];

/** Steps on the way of a visit, in order; the first two are one step. */
const steps: readonly Status[][] = [
  ['proposed', 'waitlist'],
  ['pending'],
  ['booked'],
  ['arrived'],
  ['checked-in'],
  ['fulfilled'],
];
const statuses: readonly Status[] = [...steps.flat(), 'noshow', 'cancelled', 'entered-in-error'];
const stepOf = (status: Status) => steps.findIndex((step) => step.includes(status));
const isOpen = (status: Status) => stepOf(status) >= 0 && status !== 'fulfilled';

/** SM-1 in words, not as the table that is tested. */
function isAllowed(from: Status, to: Status): boolean {
  if (from === to) return true;
  if (to === 'entered-in-error') return true;
  if (!isOpen(from)) return false;
  if (to === 'cancelled') return true;
  // An offer that nobody took goes back to the list.
  if (from === 'pending' && to === 'waitlist') return true;
  if (to === 'noshow') return stepOf(from) >= stepOf('pending');
  return stepOf(to) > stepOf(from) || (stepOf(to) === 0 && stepOf(from) === 0);
}

const edges = statuses.flatMap((from) => statuses.map((to) => [from, to, isAllowed(from, to)] as const));

describe('an Appointment that is', () => {
  test.each(edges.filter(([, , allowed]) => allowed))('%s may become %s', (from, to) => {
    expect(mayFollow(from, to)).toBe(true);
  });

  test.each(edges.filter(([, , allowed]) => !allowed))('%s may not become %s', (from, to) => {
    expect(mayFollow(from, to)).toBe(false);
  });
});

describe('a new Appointment', () => {
  test.each(statuses)('may begin as %s: contract.md 5', (to) => {
    expect(mayFollow(undefined, to)).toBe(true);
  });
});

describe('who holds the time: contract.md 11', () => {
  test.each<Status>(['pending', 'booked', 'arrived', 'checked-in', 'fulfilled'])('%s does', (status) => {
    expect(holdsTime(status)).toBe(true);
  });

  test.each<Status>(['proposed', 'waitlist', 'cancelled', 'noshow', 'entered-in-error'])('%s does not', (status) => {
    expect(holdsTime(status)).toBe(false);
  });
});
