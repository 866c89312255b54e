// Whose time an Appointment holds: pure, from the resource alone (contract.md 11).

import type { Appointment } from '@medplum/fhirtypes';
import { parseReference } from '../../fhir/references.ts';
import { holdsTime } from './appointment-status.ts';

export interface Booking {
  readonly appointmentId: string;
  readonly actorType: string;
  readonly actorId: string;
  readonly start: Date;
  readonly end: Date;
  /** An administrator accepts the overlap; see overbook.ts. */
  readonly overbooked: boolean;
}

/** One booking per practitioner who has not declined; none when the status holds no time or a time is missing. */
export function bookingsOf(appointment: Appointment & { readonly id: string }, overbooked: boolean): Booking[] {
  const { id, status, start, end, participant } = appointment;
  if (!holdsTime(status) || start === undefined || end === undefined) return [];
  const actors = new Set<string>();
  for (const { actor, status: participation } of participant) {
    if (participation === 'declined' || actor?.reference === undefined) continue;
    const target = parseReference(actor.reference);
    if (target.kind === 'resource' && target.type === 'Practitioner') actors.add(target.id);
  }
  const times = { start: new Date(start), end: new Date(end) };
  return [...actors].map((actorId) => ({
    appointmentId: id,
    actorType: 'Practitioner',
    actorId,
    ...times,
    overbooked,
  }));
}

export function sameBookings(a: readonly Booking[], b: readonly Booking[]): boolean {
  const keys = new Set(a.map(keyOf));
  return a.length === b.length && b.every((booking) => keys.has(keyOf(booking)));
}

function keyOf(booking: Booking): string {
  const { actorType, actorId, start, end, overbooked } = booking;
  return `${actorType}/${actorId} ${start.getTime()} ${end.getTime()} ${overbooked}`;
}
