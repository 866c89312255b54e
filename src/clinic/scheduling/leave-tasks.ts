// Effect of leave: every booking that it makes impossible gets a Task to be rescheduled, once (contract.md 16).

import type { Task } from '@medplum/fhirtypes';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { taskCodeSystem } from './canonicals.ts';
import { closedPlaces } from './closed-places.ts';
import { type Leave, leaveOf } from './leave-rows.ts';

const dayMs = 86_400_000;

export async function askToReschedule(changes: readonly Change[], session: Session): Promise<WriteIntent[]> {
  const taken = changes.flatMap(({ oldResource, resource }) => {
    const leave = leaveOf(resource);
    const old = leaveOf(oldResource);
    return leave && keyOf(leave) !== (old && keyOf(old)) ? [leave] : [];
  });
  if (taken.length === 0) return [];
  const visits = await visitsOn(session, taken);
  const ids = await remember(session, visits);
  const told = visits.filter(({ appointmentId }) => ids.delete(appointmentId));
  return told.map((visit) => ({ action: 'create', resource: taskOf(visit, session.at) }));
}

function keyOf({ scheduleId, low, high }: Leave): string {
  return JSON.stringify([scheduleId, low, high]);
}

interface Visit {
  readonly appointmentId: string;
  readonly low: Date;
  readonly patientId: string | null;
}

/** What is over is not looked at. */
async function visitsOn(session: Session, leaves: readonly Leave[]): Promise<Visit[]> {
  const [practitioners, places] = await Promise.all([
    visitsOfPractitioners(session, leaves),
    closingLeaves(session, leaves),
  ]);
  if (places.length === 0) return practitioners;
  const visits = await visitsWithin(session, places);
  const isClosed = await closedPlaces(
    session,
    places,
    visits.flatMap((visit) => visit.locationIds),
  );
  const closed = visits.filter((visit) =>
    places.some(
      (leave) => visit.low.getTime() < leave.high && leave.low < visit.high.getTime() && isClosed(visit, leave),
    ),
  );
  return [...practitioners, ...closed];
}

const leaveSet = 'unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[])';

function leaveValues(leaves: readonly Leave[], { at }: Session): unknown[] {
  const from = (leave: Leave) => new Date(Math.max(leave.low.getTime(), at.getTime()));
  return [
    leaves.map(({ scheduleId }) => scheduleId),
    leaves.map(from),
    leaves.map(({ high }) => high),
    leaves.map((leave) => new Date(from(leave).getTime() - dayMs)),
  ];
}

const patientOf = `(SELECT target_id FROM reference WHERE source_type = 'Appointment' AND source_id = booking.appointment_id
  AND parameter = 'actor' AND target_type = 'Patient' ORDER BY target_id LIMIT 1)`;

/** What lasts longer than a day may have begun any time before, and is rare. */
const during = (actor = '') => `LATERAL (
  SELECT * FROM booking WHERE ${actor} low < leave.high AND low > leave.earliest AND high > leave.low
  UNION ALL
  SELECT * FROM booking WHERE ${actor} is_long AND low <= leave.earliest AND high > leave.low) AS booking`;

async function visitsOfPractitioners(session: Session, leaves: readonly Leave[]): Promise<Visit[]> {
  return await session.trx.query<Visit>({
    name: 'visits-on-leave',
    text: `SELECT booking.appointment_id AS "appointmentId", booking.low, ${patientOf} AS "patientId"
           FROM ${leaveSet} AS leave (schedule_id, low, high, earliest)
           JOIN schedule_actor AS actor ON actor.schedule_id = leave.schedule_id AND actor.takes_leave
             AND actor.actor_type = 'Practitioner'
           CROSS JOIN ${during("actor_type = 'Practitioner' AND actor_id = actor.actor_id AND")}`,
    values: leaveValues(leaves, session),
  });
}

async function closingLeaves({ trx }: Session, leaves: readonly Leave[]) {
  const rows = await trx.query<{ schedule_id: string; actor_id: string }>({
    name: 'places-of-leave',
    text: `SELECT schedule_id, actor_id FROM schedule_actor
           WHERE takes_leave AND actor_type = 'Location' AND schedule_id = ANY ($1::text[])`,
    values: [leaves.map(({ scheduleId }) => scheduleId)],
  });
  return leaves.flatMap(({ scheduleId, low, high }) =>
    rows
      .filter((row) => row.schedule_id === scheduleId)
      .map(({ actor_id: actorId }) => ({
        ...{ scheduleId, actorType: 'Location', actorId },
        ...{ low: low.getTime(), high: high.getTime() },
      })),
  );
}

interface PlacedVisit extends Visit {
  readonly high: Date;
  readonly locationIds: readonly string[];
}

async function visitsWithin(
  session: Session,
  places: readonly { readonly scheduleId: string; readonly low: number; readonly high: number }[],
): Promise<PlacedVisit[]> {
  const leaves = places.map(({ scheduleId, low, high }) => ({
    ...{ slotId: '', scheduleId },
    ...{ low: new Date(low), high: new Date(high) },
  }));
  return await session.trx.query<PlacedVisit>({
    name: 'visits-within',
    text: `SELECT booking.appointment_id AS "appointmentId", booking.low, booking.high, ${patientOf} AS "patientId",
             ARRAY(SELECT target_id FROM reference WHERE source_type = 'Appointment'
               AND source_id = booking.appointment_id AND parameter = 'actor' AND target_type = 'Location') AS "locationIds"
           FROM ${leaveSet} AS leave (schedule_id, low, high, earliest)
           CROSS JOIN ${during()}`,
    values: leaveValues(leaves, session),
  });
}

/** Gives the Appointments that were not told of at this time before. */
async function remember({ trx }: Session, visits: readonly Visit[]): Promise<Set<string>> {
  if (visits.length === 0) return new Set();
  const rows = await trx.query<{ appointment_id: string }>({
    name: 'remember-reschedules',
    text: `INSERT INTO reschedule_task (appointment_id, low) SELECT * FROM unnest($1::text[], $2::timestamptz[])
           ON CONFLICT DO NOTHING RETURNING appointment_id`,
    values: [visits.map(({ appointmentId }) => appointmentId), visits.map(({ low }) => low)],
  });
  return new Set(rows.map((row) => row.appointment_id));
}

function taskOf({ appointmentId, patientId }: Visit, at: Date): Task {
  return {
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    code: { coding: [{ system: taskCodeSystem, code: 'reschedule' }] },
    description: 'The time of this Appointment was taken as leave: give it another one, or cancel it.',
    focus: { reference: `Appointment/${appointmentId}` },
    ...(patientId !== null && { for: { reference: `Patient/${patientId}` } }),
    authoredOn: at.toISOString(),
  };
}
