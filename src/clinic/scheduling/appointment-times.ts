// The rules of what an Appointment's times need: that they are right and free, and that their rows follow (contract.md 10 to 12).

import type { Appointment } from '@medplum/fhirtypes';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { checkVisits, clashIssue, type StoredAppointment } from './check-visits.ts';
import { isOverbooked, requireOverbookAllowed } from './overbook.ts';
import { type HeldChange, tellOfOverlaps } from './patient-overlap.ts';
import type { Booking } from './place-visits.ts';
import { storeBookings } from './store-bookings.ts';
import { sameVisit, timesOf, type Visit, visitOf } from './visit.ts';

/** What the guard found for a change is what its effect stores. */
const placed = new WeakMap<Change, readonly Booking[]>();

export interface CheckOptions {
  readonly settingsOf: SettingsOf;
  readonly meanwhile: ((changes: readonly Change[], session: Session) => void) | undefined;
}

export async function checkTimes(
  changes: readonly Change[],
  session: Session,
  { settingsOf, meanwhile }: CheckOptions,
): Promise<void> {
  const all = heldVisits(changes);
  const moved = all.filter(isMoved);
  for (const { change } of moved) checkTime(change, session);
  const visits = moved.flatMap(({ visit }) => visit ?? []);
  const replaced = moved.flatMap(({ change, old }) => (old ? [change.id] : []));
  // In this order all of it travels in one message, and nothing is held that others would have to wait for with the actors.
  const checking = Promise.all([checkVisits(session, visits, replaced, settingsOf), tellOfOverlaps(all, session)]);
  if (visits.length > 0) meanwhile?.(changes, session);
  const [{ bookings, clashes }] = await checking;
  const [clash] = clashes;
  if (clash) {
    const change = changes.find(({ id }) => id === clash.appointmentId);
    throw new FhirError([clashIssue(clash)], change ? { writeIndex: change.index } : {});
  }
  const byAppointment = Map.groupBy(bookings, ({ appointmentId }) => appointmentId);
  for (const { change } of moved) placed.set(change, byAppointment.get(change.id) ?? []);
}

function checkTime(change: Change, session: Session): void {
  const appointment = change.resource as Appointment | undefined;
  if (!appointment) return;
  const { start, end } = appointment;
  if (!change.byServer) requireOverbookAllowed(appointment, session.caller);
  if (start === undefined || end === undefined) return;
  const { low, high } = timesOf(start, end);
  if (high <= low) {
    throw fhirError('business-rule', 'An Appointment must end after it starts.', {
      expression: 'Appointment.end',
      writeIndex: change.index,
    });
  }
}

export function keepBookings(changes: readonly Change[], session: Session): [] {
  const moved = movedVisits(changes);
  storeBookings(
    session,
    moved.flatMap(({ change, old }) => (old ? [change.id] : [])),
    moved.flatMap(({ change }) => placed.get(change) ?? []),
  );
  return [];
}

/** Whose hours the time lies in; undefined where it is in nobody's, and where it stays as it was. */
export function scheduleOf(change: Change): string | undefined {
  return placed.get(change)?.find(({ scheduleId }) => scheduleId !== undefined)?.scheduleId;
}

/** The changes that hold other times than before, or hold them for others. */
export function movedVisits(changes: readonly Change[]): HeldChange[] {
  return heldVisits(changes).filter(isMoved);
}

function heldVisits(changes: readonly Change[]): HeldChange[] {
  return changes.map((change) => ({ change, old: held(change.oldResource), visit: held(change.resource) }));
}

function isMoved({ old, visit }: HeldChange): boolean {
  return !sameVisit(old, visit);
}

export function held(resource: Change['resource']): Visit | undefined {
  const appointment = resource as StoredAppointment | undefined;
  return appointment && visitOf(appointment, isOverbooked(appointment));
}
