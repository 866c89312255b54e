// Typed rows of Schedules: whose times they are, and their weekly hours, so that nobody has to open a Schedule to book.

import type { Schedule } from '@medplum/fhirtypes';
import { FhirError } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import type { Change } from '../../repository/change.ts';
import type { StoredResource } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { readWeeklyHours } from './scheduling-parameters.ts';
import type { WeeklyHours } from './weekly-hours.ts';

interface ActorRow {
  readonly scheduleId: string;
  readonly actorType: string;
  readonly actorId: string;
  /** Leave on the Schedule is this one's: of its practitioners, or of its places where it has none. */
  readonly takesLeave: boolean;
  /** Null where it is not active or has none. */
  readonly hours: readonly WeeklyHours[] | null;
}

/** Throws 422 for hours that nobody can understand. */
export function storeSchedules(changes: readonly Change[], { trx }: Session): void {
  const rows = changes.flatMap((change) => {
    const schedule = change.resource as Schedule | undefined;
    return schedule
      ? rowsOf(
          change.id,
          schedule,
          ofChange(change, () => hoursOf(schedule)),
        )
      : [];
  });
  const replaced = changes.filter(({ oldResource }) => oldResource).map(({ id }) => id);
  replace(trx, replaced, rows);
}

/** Of what was stored before there were these rows; hours that nobody can understand are none. */
export function restoreSchedule(resource: StoredResource, { trx }: Session): void {
  const schedule = resource as Schedule;
  replace(trx, [resource.id], rowsOf(resource.id, schedule, understoodHours(schedule)));
}

function understoodHours(schedule: Schedule): readonly WeeklyHours[] {
  try {
    return hoursOf(schedule);
  } catch (error) {
    if (error instanceof FhirError) return [];
    throw error;
  }
}

function replace(trx: Session['trx'], replaced: readonly string[], rows: readonly ActorRow[]): void {
  if (replaced.length > 0) {
    trx.execute({
      name: 'forget-schedules',
      text: 'DELETE FROM schedule_actor WHERE schedule_id = ANY ($1::text[])',
      values: [replaced],
    });
  }
  if (rows.length === 0) return;
  trx.execute({
    name: 'insert-schedules',
    text: `INSERT INTO schedule_actor (schedule_id, actor_type, actor_id, takes_leave, hours)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::jsonb[])`,
    values: [
      rows.map((row) => row.scheduleId),
      rows.map((row) => row.actorType),
      rows.map((row) => row.actorId),
      rows.map((row) => row.takesLeave),
      rows.map((row) => row.hours && JSON.stringify(row.hours)),
    ],
  });
}

function hoursOf(schedule: Schedule): readonly WeeklyHours[] {
  return schedule.active === false ? [] : readWeeklyHours(schedule);
}

function rowsOf(scheduleId: string, schedule: Schedule, hours: readonly WeeklyHours[]): ActorRow[] {
  const actors = new Map<string, { type: string; id: string }>();
  for (const { reference } of schedule.actor) {
    const target = reference === undefined ? undefined : parseReference(reference);
    if (target?.kind !== 'resource' || !bookable.has(target.type)) continue;
    actors.set(`${target.type}/${target.id}`, target);
  }
  const all = [...actors.values()];
  const leaveType = all.some(({ type }) => type === 'Practitioner') ? 'Practitioner' : 'Location';
  return all.map(({ type, id }) => ({
    scheduleId,
    actorType: type,
    actorId: id,
    takesLeave: type === leaveType,
    hours: hours.length > 0 ? hours : null,
  }));
}

const bookable: ReadonlySet<string> = new Set(['Practitioner', 'Location']);

function ofChange<T>({ index }: Change, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FhirError ? error.ofWrite(index) : error;
  }
}
