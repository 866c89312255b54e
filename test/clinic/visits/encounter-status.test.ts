// The state machine of a visit's Encounter and its step with the Appointment's: contract.md 14, domain.md SM-1.

import { describe, expect, test } from '@jest/globals';
import type { Appointment, Encounter } from '@medplum/fhirtypes';
import { mayFollow as mayFollowAppointment } from '../../../src/clinic/scheduling/appointment-status.ts';
import { appointmentAfter, encounterAfter, mayFollow } from '../../../src/clinic/visits/encounter-status.ts';

type Status = Encounter['status'];
type AppointmentStatus = Appointment['status'];

const way: readonly Status[] = ['planned', 'arrived', 'triaged', 'in-progress', 'finished'];
const statuses: readonly Status[] = [...way, 'onleave', 'cancelled', 'entered-in-error', 'unknown'];
const appointmentStatuses: readonly AppointmentStatus[] = [
  ...(['proposed', 'pending', 'booked', 'waitlist', 'arrived', 'checked-in', 'fulfilled'] as const),
  ...(['noshow', 'cancelled', 'entered-in-error'] as const),
];

/** Contract 14 in words, not as the table that is tested. */
function isAllowed(from: Status, to: Status): boolean {
  if (from === to || to === 'entered-in-error') return true;
  if (['finished', 'cancelled', 'entered-in-error'].includes(from) || to === 'unknown') return false;
  if (to === 'cancelled' || from === 'unknown') return true;
  // Away from a visit in progress, and back.
  if (to === 'onleave') return from === 'in-progress';
  if (from === 'onleave') return to === 'in-progress' || to === 'finished';
  return way.indexOf(to) > way.indexOf(from);
}

const edges = statuses.flatMap((from) => statuses.map((to) => [from, to, isAllowed(from, to)] as const));

test.each(edges)('an Encounter that is %s may become %s: %s', (from, to, allowed) => {
  expect(mayFollow(from, to)).toBe(allowed);
});

test.each(statuses)('a new Encounter may begin as %s: contract.md 5', (to) => {
  expect(mayFollow(undefined, to)).toBe(true);
});

/** Whether both can be true of one visit at rest. */
function fits(appointment: AppointmentStatus, encounter: Status): boolean {
  if (appointment === 'entered-in-error' || encounter === 'entered-in-error') return appointment === encounter;
  if (appointment === 'fulfilled' || encounter === 'finished')
    return appointment === 'fulfilled' && encounter === 'finished';
  const isOver = appointment === 'noshow' || appointment === 'cancelled';
  if (isOver || encounter === 'cancelled') return isOver && encounter === 'cancelled';
  const isThere = encounter !== 'planned' && encounter !== 'unknown';
  return isThere === (appointment === 'arrived' || appointment === 'checked-in');
}

const pairs = appointmentStatuses.flatMap((appointment) =>
  statuses.map((encounter) => [appointment, encounter] as const),
);

describe('an Appointment and its Encounter', () => {
  test.each(pairs)(
    '%s and %s: fit, or one follows the other by a step it may take, or clash',
    (appointment, encounter) => {
      const nextEncounter = encounterAfter(appointment, encounter);
      const nextAppointment = appointmentAfter(encounter, appointment);
      if (fits(appointment, encounter)) {
        expect([nextAppointment, nextEncounter]).toEqual([appointment, encounter]);
        return;
      }
      if (nextEncounter !== 'clash' && nextEncounter !== encounter) {
        expect(mayFollow(encounter, nextEncounter)).toBe(true);
        expect(fits(appointment, nextEncounter)).toBe(true);
      }
      if (nextAppointment !== 'clash' && nextAppointment !== appointment) {
        expect(mayFollowAppointment(appointment, nextAppointment)).toBe(true);
        expect(fits(nextAppointment, encounter)).toBe(true);
      }
    },
  );

  test.each(pairs.filter(([appointment, encounter]) => !fits(appointment, encounter)))(
    '%s and %s do not both stay',
    (appointment, encounter) => {
      expect([appointmentAfter(encounter, appointment), encounterAfter(appointment, encounter)]).not.toEqual([
        appointment,
        encounter,
      ]);
    },
  );
});
