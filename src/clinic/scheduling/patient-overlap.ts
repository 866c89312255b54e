// A patient may have two visits at a time, and whoever writes one is told (contract.md 11, domain.md S2-UC-01).

import type { Appointment } from '@medplum/fhirtypes';
import type { Issue } from '../../fhir/outcome.ts';
import type { Change, WriteResult } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { type Interval, meets } from './interval.ts';
import { actorIds, type Visit } from './visit.ts';

const patientOverlap: Issue = {
  severity: 'warning',
  code: 'conflict',
  diagnostics: 'The patient has another Appointment at this time.',
  expression: ['Appointment.start'],
};

/** The warning, where one of the Appointments that were written has it. */
export function overlapOf(results: readonly WriteResult[]): Issue | undefined {
  return results.some(({ issues }) => issues?.includes(patientOverlap)) ? patientOverlap : undefined;
}

export interface HeldChange {
  readonly change: Change;
  readonly old: Visit | undefined;
  readonly visit: Visit | undefined;
}

/** Adds the warning to the changes that give a patient a time beside another; to be called before their own times are stored. */
export async function tellOfOverlaps(held: readonly HeldChange[], { trx }: Session): Promise<void> {
  const wanted = held.flatMap(wantedOf);
  if (wanted.length === 0) return;
  const rows = await trx.query<{ position: number }>({
    name: 'overlaps-of-patients',
    text: `SELECT DISTINCT wanted.position
           FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS wanted (position, patient_id, low, high)
           JOIN reference ON reference.target_type = 'Patient' AND reference.target_id = wanted.patient_id
             AND reference.source_type = 'Appointment' AND reference.parameter = 'actor'
           JOIN booking ON booking.appointment_id = reference.source_id
             AND booking.low < wanted.high AND booking.high > wanted.low
           WHERE reference.source_id <> ALL ($5::text[])`,
    values: [
      wanted.map((_, position) => position),
      wanted.map(({ patientId }) => patientId),
      wanted.map(({ low }) => new Date(low)),
      wanted.map(({ high }) => new Date(high)),
      held.map(({ change }) => change.id),
    ],
  });
  const told = new Set(rows.map(({ position }) => (wanted[position] as Wanted).change));
  for (const change of [...told, ...foundTogether(wanted)]) {
    if (!change.told.includes(patientOverlap)) change.told.push(patientOverlap);
  }
}

interface Wanted extends Interval {
  readonly change: Change;
  readonly patientId: string;
}

/** Of each patient who is booked, or gets another time than before; nothing of what is over, such as an import. */
function wantedOf({ change, old, visit }: HeldChange): Wanted[] {
  if (change.byServer || !visit || visit.isOver) return [];
  const [before, after] = [change.oldResource, change.resource] as [Appointment | undefined, Appointment];
  const isBooked = after.status === 'booked' && before?.status !== 'booked';
  const isMoved = isBooked || old?.low !== visit.low || old.high !== visit.high;
  const known = isMoved || !before ? [] : actorIds(before, 'Patient');
  return actorIds(after, 'Patient')
    .filter((id) => !known.includes(id))
    .map((patientId) => ({ change, patientId, low: visit.low, high: visit.high }));
}

/** Those of one write that meet each other: no row says so yet. */
function foundTogether(wanted: readonly Wanted[]): Change[] {
  return [...Map.groupBy(wanted, ({ patientId }) => patientId).values()].flatMap((own) => {
    const found: Change[] = [];
    let last: Wanted | undefined;
    for (const one of own.toSorted((a, b) => a.low - b.low)) {
      if (last && meets(last, one)) found.push(last.change, one.change);
      if (!last || one.high > last.high) last = one;
    }
    return found;
  });
}
