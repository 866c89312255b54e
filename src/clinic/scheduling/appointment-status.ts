// The state machine of an Appointment (domain.md SM-1): which status may follow which, and which statuses hold a time.

import type { Appointment } from '@medplum/fhirtypes';

export type AppointmentStatus = Appointment['status'];
type Status = AppointmentStatus;

/** Any forward jump counts as the steps it leaves out (domain.md, rulings); what is not here ends there. */
const followers: Readonly<Partial<Record<Status, readonly Status[]>>> = {
  proposed: ['pending', 'waitlist', 'booked', 'arrived', 'checked-in', 'fulfilled', 'cancelled', 'entered-in-error'],
  waitlist: ['proposed', 'pending', 'booked', 'arrived', 'checked-in', 'fulfilled', 'cancelled', 'entered-in-error'],
  pending: ['waitlist', 'booked', 'arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled', 'entered-in-error'],
  booked: ['arrived', 'checked-in', 'fulfilled', 'noshow', 'cancelled', 'entered-in-error'],
  arrived: ['checked-in', 'fulfilled', 'noshow', 'cancelled', 'entered-in-error'],
  'checked-in': ['fulfilled', 'noshow', 'cancelled', 'entered-in-error'],
  fulfilled: ['entered-in-error'],
  noshow: ['entered-in-error'],
  cancelled: ['entered-in-error'],
};

/** A status may always be sent again; an Appointment may begin its life in any. */
export function mayFollow(from: Status | undefined, to: Status): boolean {
  return from === undefined || from === to || (followers[from]?.includes(to) ?? false);
}

/** True for a jump that leaves out a booking or an arrival, which a strict clinic refuses; at check-in a patient has arrived. */
export function isJump(from: Status, to: Status): boolean {
  if (from === 'booked') return to === 'fulfilled';
  return isUnbooked(from) && hasArrived(to);
}

function isUnbooked(status: Status): boolean {
  return status === 'proposed' || status === 'waitlist' || status === 'pending';
}

/** Still to come: neither there nor over. */
export function isAwaited(status: Status): boolean {
  return isUnbooked(status) || status === 'booked';
}

/** The patient is there, or has been seen. */
export function hasArrived(status: Status): boolean {
  return status === 'arrived' || status === 'checked-in' || status === 'fulfilled';
}

const holding: ReadonlySet<Status> = new Set<Status>(['pending', 'booked', 'arrived', 'checked-in', 'fulfilled']);

/** True when an Appointment of this status keeps others out of its time (contract.md 11). */
export function holdsTime(status: Status): boolean {
  return holding.has(status);
}
