// What stands in the way of wanted visits: locks first, then everything that is stored, in one message and by typed rows only.

import type { Session } from '../../repository/session.ts';
import type { Interval } from './interval.ts';
import { lockActors, shareCalendar } from './lock-calendar.ts';
import type { Visit } from './visit.ts';
import type { WeeklyHours } from './weekly-hours.ts';

export interface Calendar {
  readonly roomIds: ReadonlySet<string>;
  /** By `Type/id` of the actor. */
  readonly busy: ReadonlyMap<string, readonly BusyTime[]>;
  readonly hours: ReadonlyMap<string, readonly ScheduledHours[]>;
  readonly leaves: readonly LeaveTime[];
}

export interface BusyTime extends Interval {
  readonly seat: number;
  readonly overbooked: boolean;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** The hours of one Schedule, with the zone that holds where they name none. */
export interface ScheduledHours {
  readonly scheduleId: string;
  readonly hours: readonly WeeklyHours[];
  /** Of its Location, or of that Location's Organization. */
  readonly timezone: string | null;
}

export interface LeaveTime extends Interval {
  readonly actorType: string;
  readonly actorId: string;
}

/** `replaced` are the Appointments whose times go away in the same transaction. */
export async function readCalendar(
  session: Session,
  visits: readonly Visit[],
  replaced: readonly string[],
): Promise<Calendar> {
  const practitionerIds = [...new Set(visits.flatMap((visit) => visit.practitionerIds))];
  const locationIds = [...new Set(visits.flatMap((visit) => visit.locationIds))];
  const span = spanOf(visits);
  shareCalendar(session);
  const open = Promise.all([
    readRooms(session, locationIds),
    readHours(session, practitionerIds, locationIds),
    readLeaves(session, practitionerIds, span),
  ]);
  // As late as can be: others who want the same people wait from here on.
  lockActors(session, practitionerIds, locationIds);
  const [[rooms, hours, leaves], busy] = await Promise.all([open, readBusy(session, wantedTimes(visits), replaced)]);
  return { roomIds: new Set(rooms), busy, hours, leaves };
}

export function spanOf(intervals: readonly Interval[]): Interval {
  return {
    low: Math.min(...intervals.map(({ low }) => low)),
    high: Math.max(...intervals.map(({ high }) => high)),
  };
}

export interface WantedTime extends Interval {
  readonly actorType: string;
  readonly actorId: string;
}

function wantedTimes(visits: readonly Visit[]): WantedTime[] {
  return visits.flatMap(({ low, high, practitionerIds, locationIds }) => [
    ...practitionerIds.map((actorId) => ({ actorType: 'Practitioner', actorId, low, high })),
    ...locationIds.map((actorId) => ({ actorType: 'Location', actorId, low, high })),
  ]);
}

async function readRooms({ trx }: Session, locationIds: readonly string[]): Promise<string[]> {
  if (locationIds.length === 0) return [];
  const rows = await trx.query<{ id: string }>({
    name: 'rooms-among',
    text: "SELECT id FROM place WHERE type = 'Location' AND is_room AND id = ANY ($1::text[])",
    values: [locationIds],
  });
  return rows.map(({ id }) => id);
}

const dayMs = 86_400_000;

/** What meets any of the wanted times. What lasts longer than a day may have begun any time before, and is rare. */
export async function readBusy(
  { trx }: Session,
  wanted: readonly WantedTime[],
  replaced: readonly string[],
): Promise<ReadonlyMap<string, readonly BusyTime[]>> {
  if (wanted.length === 0) return new Map();
  const rows = await trx.query<BusyRow>({
    name: 'busy-times',
    text: `SELECT DISTINCT busy.* FROM (
             SELECT ${busyColumns} FROM wanted JOIN booking ON ${sameActor}
               AND booking.low < wanted.high AND booking.low > wanted.earliest AND booking.high > wanted.low
             UNION ALL
             SELECT ${busyColumns} FROM wanted JOIN booking ON ${sameActor} AND booking.is_long
               AND booking.low <= wanted.earliest AND booking.high > wanted.low) AS busy
           WHERE appointment_id <> ALL ($6::text[])`.replaceAll(
      'FROM wanted',
      `FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
         AS wanted (actor_type, actor_id, low, high, earliest)`,
    ),
    values: [
      wanted.map(({ actorType }) => actorType),
      wanted.map(({ actorId }) => actorId),
      wanted.map(({ low }) => new Date(low)),
      wanted.map(({ high }) => new Date(high)),
      wanted.map(({ low }) => new Date(low - dayMs)),
      replaced,
    ],
  });
  return Map.groupBy(rows.map(busyTime), ({ actor }) => actor);
}

const busyColumns = `booking.actor_type, booking.actor_id, booking.appointment_id, booking.low, booking.high, booking.seat,
  booking.overbooked, booking.before_ms, booking.after_ms`;
const sameActor = 'booking.actor_type = wanted.actor_type AND booking.actor_id = wanted.actor_id';

interface BusyRow {
  readonly actor_type: string;
  readonly actor_id: string;
  readonly low: Date;
  readonly high: Date;
  readonly seat: number;
  readonly overbooked: boolean;
  readonly before_ms: number;
  readonly after_ms: number;
}

function busyTime(row: BusyRow): BusyTime & { readonly actor: string } {
  const { actor_type, actor_id, low, high, seat, overbooked, before_ms, after_ms } = row;
  return {
    ...{ actor: `${actor_type}/${actor_id}`, low: low.getTime(), high: high.getTime() },
    ...{ seat, overbooked, beforeMs: before_ms, afterMs: after_ms },
  };
}

async function readHours(
  { trx }: Session,
  practitionerIds: readonly string[],
  locationIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ScheduledHours[]>> {
  const rows = await trx.query<ScheduledHours & { actor: string }>({
    name: 'hours-of-actors',
    text: `SELECT actor_type || '/' || actor_id AS actor, schedule_id AS "scheduleId", hours, ${zoneOfSchedule} AS timezone
           FROM schedule_actor AS mine
           WHERE hours IS NOT NULL AND (actor_type = 'Practitioner' AND actor_id = ANY ($1::text[])
             OR actor_type = 'Location' AND actor_id = ANY ($2::text[]))
           ORDER BY schedule_id`,
    values: [practitionerIds, locationIds],
  });
  return Map.groupBy(rows, ({ actor }) => actor);
}

/** Of the first of the Schedule's Locations that has one; `mine` is the Schedule's row. */
export const zoneOfSchedule = `(SELECT coalesce(place.timezone, organization.timezone)
  FROM schedule_actor AS sibling
  JOIN place ON place.type = 'Location' AND place.id = sibling.actor_id
  LEFT JOIN place AS organization ON organization.type = 'Organization' AND organization.id = place.organization_id
  WHERE sibling.schedule_id = mine.schedule_id AND sibling.actor_type = 'Location'
    AND coalesce(place.timezone, organization.timezone) IS NOT NULL
  ORDER BY sibling.actor_id LIMIT 1)`;

/** Of these practitioners, and of all places. */
export async function readLeaves(
  { trx }: Session,
  practitionerIds: readonly string[],
  span: Interval,
): Promise<LeaveTime[]> {
  const rows = await trx.query<{ actorType: string; actorId: string; low: Date; high: Date }>({
    name: 'leaves-of-actors',
    text: `SELECT actor_type AS "actorType", actor_id AS "actorId", low, high
           FROM leave JOIN schedule_actor USING (schedule_id)
           WHERE takes_leave AND high > $2 AND low < $3
             AND (actor_type = 'Location' OR actor_type = 'Practitioner' AND actor_id = ANY ($1::text[]))`,
    values: [practitionerIds, new Date(span.low), new Date(span.high)],
  });
  return rows.map((row) => ({ ...row, low: row.low.getTime(), high: row.high.getTime() }));
}
