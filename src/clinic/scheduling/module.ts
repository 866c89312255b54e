// Scheduling: the state machine of Appointments and the times they hold.

import type { Appointment } from '@medplum/fhirtypes';
import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Workflow } from '../../operations/workflow.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { mayFollow } from './appointment-status.ts';
import { type Booking, bookingsOf, sameBookings } from './booking.ts';
import { type Clash, findDoubleBooking } from './find-double-booking.ts';
import { isOverbooked, requireOverbookAllowed } from './overbook.ts';
import { storeBookings } from './store-bookings.ts';

export interface SchedulingOptions {
  readonly settingsOf: SettingsOf;
}

export function createSchedulingModule(_options: SchedulingOptions): Workflow {
  return {
    name: 'scheduling',
    guards: [
      { name: 'appointment-status', type: 'Appointment', run: checkStatus },
      { name: 'appointment-times', type: 'Appointment', run: checkTimes },
    ],
    effects: [{ name: 'bookings', type: 'Appointment', run: keepBookings }],
  };
}

type StoredAppointment = Appointment & { readonly id: string };

function checkStatus(changes: readonly Change[]): void {
  for (const change of changes) {
    const from = (change.oldResource as Appointment | undefined)?.status;
    const to = (change.resource as Appointment | undefined)?.status;
    if (to === undefined || mayFollow(from, to)) continue;
    throw fhirError('business-rule', `An Appointment cannot go from ${from} to ${to}.`, {
      expression: 'Appointment.status',
      writeIndex: change.index,
    });
  }
}

async function checkTimes(changes: readonly Change[], session: Session): Promise<void> {
  const moved = movedBookings(changes);
  for (const { change } of moved) checkTime(change, session);
  const wanted = moved.flatMap(({ bookings }) => bookings);
  const replaced = moved.map(({ change }) => change.id);
  const clash = await findDoubleBooking(session, wanted, replaced);
  if (clash) throw doubleBooking(clash, changes);
}

/** Names the busy time only, never whose it is (domain.md S2-UC-01). */
function doubleBooking({ appointmentId, from, until }: Clash, changes: readonly Change[]): FhirError {
  const change = changes.find(({ id }) => id === appointmentId);
  return fhirError('conflict', `The practitioner is busy from ${from.toISOString()} to ${until.toISOString()}.`, {
    expression: 'Appointment.start',
    ...(change ? { writeIndex: change.index } : {}),
  });
}

function checkTime(change: Change, session: Session): void {
  const appointment = change.resource as Appointment | undefined;
  if (!appointment) return;
  const { start, end } = appointment;
  requireOverbookAllowed(appointment, session.caller);
  if (start !== undefined && end !== undefined && Date.parse(end) <= Date.parse(start)) {
    throw fhirError('business-rule', 'An Appointment must end after it starts.', {
      expression: 'Appointment.end',
      writeIndex: change.index,
    });
  }
}

function keepBookings(changes: readonly Change[], session: Session): [] {
  storeBookings(session, movedBookings(changes));
  return [];
}

/** The changes whose bookings differ from those stored, with the bookings they shall have. */
function movedBookings(changes: readonly Change[]): { change: Change; old: Booking[]; bookings: Booking[] }[] {
  return changes
    .map((change) => ({ change, old: held(change.oldResource), bookings: held(change.resource) }))
    .filter(({ old, bookings }) => !sameBookings(old, bookings));
}

function held(resource: Change['resource']): Booking[] {
  const appointment = resource as StoredAppointment | undefined;
  return appointment ? bookingsOf(appointment, isOverbooked(appointment)) : [];
}
