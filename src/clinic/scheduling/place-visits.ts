// Gives every wanted visit a seat with each of its actors, or says what is in its way: pure (contract.md 10 to 12, 16, 17).

import { zoneOf } from '../../fhir/time-zone.ts';
import { contains, type Interval, meets, merged } from './interval.ts';
import type { BusyTime, Calendar, LeaveTime, ScheduledHours } from './read-calendar.ts';
import type { Visit } from './visit.ts';
import { openWindows, type WeeklyHours } from './weekly-hours.ts';

/** What is stored of a visit for one of its actors. */
export interface Booking extends Interval {
  readonly appointmentId: string;
  readonly actorType: string;
  readonly actorId: string;
  readonly overbooked: boolean;
  readonly seat: number;
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Whose hours it lies in. */
  readonly scheduleId: string | undefined;
}

/** A wanted visit and the time it meets. */
export interface Clash extends Interval {
  readonly appointmentId: string;
  readonly kind: 'practitioner' | 'room' | 'hours' | 'leave' | 'closed';
}

export interface Placed {
  readonly bookings: readonly Booking[];
  /** One at most of each visit. */
  readonly clashes: readonly Clash[];
}

export interface PlaceOptions {
  /** Of hours that name no zone and whose places have none. */
  readonly timezone: string;
  /** Leaves of places, by the visit that they meet. */
  isClosedFor(visit: Visit, leave: LeaveTime): boolean;
}

/** No visit asked of a person is longer; of one that is, the hours of a whole year would have to be laid out. */
const visitMsMax = 31 * 86_400_000;

export function placeVisits(visits: readonly Visit[], calendar: Calendar, options: PlaceOptions): Placed {
  const bookings: Booking[] = [];
  const clashes: Clash[] = [];
  const taken = new Map<string, BusyTime[]>();
  for (const visit of visits) {
    const clash = whyNotOpen(visit, calendar, options) ?? take(visit, calendar, options, taken, bookings);
    if (clash) clashes.push({ appointmentId: visit.appointmentId, ...clash });
  }
  return { bookings, clashes };
}

type Reason = Omit<Clash, 'appointmentId'>;

function whyNotOpen(visit: Visit, { hours, leaves }: Calendar, options: PlaceOptions): Reason | undefined {
  const { low, high, overbooked, isOver, practitionerIds } = visit;
  if (overbooked || isOver) return undefined;
  for (const id of practitionerIds) {
    const scheduled = hours.get(`Practitioner/${id}`);
    if (scheduled && !isOpen(visit, scheduled, options.timezone)) return { kind: 'hours', low, high };
  }
  for (const leave of leaves) {
    if (!meets(visit, leave)) continue;
    if (leave.actorType === 'Practitioner') {
      if (practitionerIds.includes(leave.actorId)) return { kind: 'leave', low: leave.low, high: leave.high };
    } else if (options.isClosedFor(visit, leave)) return { kind: 'closed', low: leave.low, high: leave.high };
  }
  return undefined;
}

/** In the hours of all services together: which are for which says what is proposed, not what may be booked. */
function isOpen(visit: Interval, scheduled: readonly ScheduledHours[], timezone: string): boolean {
  if (visit.high - visit.low > visitMsMax) return false;
  const windows = scheduled.flatMap((schedule) =>
    schedule.hours.flatMap((hours) => openWindows(hours, zoneOf(zoneName(hours, schedule, timezone)), visit)),
  );
  return merged(windows).some((window) => contains(window, visit));
}

export function zoneName(hours: WeeklyHours, schedule: Pick<ScheduledHours, 'timezone'>, timezone: string): string {
  return hours.timezone ?? schedule.timezone ?? timezone;
}

/** Adds to `bookings` and `taken` unless an actor has no seat left. */
function take(
  visit: Visit,
  calendar: Calendar,
  { timezone }: PlaceOptions,
  taken: Map<string, BusyTime[]>,
  bookings: Booking[],
): Reason | undefined {
  const { appointmentId, low, high, overbooked } = visit;
  const found: Booking[] = [];
  for (const { actorType, actorId } of actorsOf(visit, calendar)) {
    const actor = `${actorType}/${actorId}`;
    const { hours, scheduleId } = hoursFor(visit, calendar.hours.get(actor) ?? [], timezone) ?? {};
    const busy = [...(calendar.busy.get(actor) ?? []), ...(taken.get(actor) ?? [])].filter((one) => meets(one, visit));
    const seat = overbooked ? 1 : freeSeat(busy, hours?.capacity ?? 1);
    if (seat === undefined) return { kind: actorType === 'Location' ? 'room' : 'practitioner', ...firstOf(busy) };
    const { beforeMs = 0, afterMs = 0 } = hours ?? {};
    found.push({ appointmentId, actorType, actorId, low, high, overbooked, seat, beforeMs, afterMs, scheduleId });
  }
  bookings.push(...found);
  // An overbooked time may be taken twice, and is in nobody's way within its own transaction.
  if (overbooked) return undefined;
  for (const booking of found) {
    const actor = `${booking.actorType}/${booking.actorId}`;
    taken.set(actor, [...(taken.get(actor) ?? []), booking]);
  }
  return undefined;
}

function actorsOf({ practitionerIds, locationIds }: Visit, { roomIds }: Calendar) {
  return [
    ...practitionerIds.map((actorId) => ({ actorType: 'Practitioner', actorId })),
    ...locationIds.filter((id) => roomIds.has(id)).map((actorId) => ({ actorType: 'Location', actorId })),
  ];
}

/** The lowest that nobody has whom the visit would meet; who was overbooked takes one too. */
export function freeSeat(busy: readonly BusyTime[], capacity: number): number | undefined {
  const seats = new Set(busy.filter(({ overbooked }) => !overbooked).map(({ seat }) => seat));
  if (seats.size + busy.filter(({ overbooked }) => overbooked).length >= capacity) return undefined;
  let seat = 1;
  while (seats.has(seat)) seat += 1;
  return seat <= capacity ? seat : undefined;
}

function firstOf(busy: readonly BusyTime[]): Interval {
  const first = busy.reduce((one, other) => (other.low < one.low ? other : one));
  return { low: first.low, high: first.high };
}

interface HoursOfSchedule {
  readonly hours: WeeklyHours;
  readonly scheduleId: string;
}

/** Those that the visit lies in; of several those of its service, of its length, or with room for most. */
function hoursFor(visit: Visit, scheduled: readonly ScheduledHours[], timezone: string): HoursOfSchedule | undefined {
  const lengthMs = visit.high - visit.low;
  if (lengthMs > visitMsMax) return undefined;
  const fitting = scheduled.flatMap((schedule) =>
    schedule.hours
      .filter((hours) => {
        const zone = zoneOf(zoneName(hours, schedule, timezone));
        return merged(openWindows(hours, zone, visit)).some((window) => contains(window, visit));
      })
      .map((hours) => ({ hours, scheduleId: schedule.scheduleId })),
  );
  const rank = ({ hours }: HoursOfSchedule) =>
    Number(hours.services.some((service) => visit.services.includes(service))) * 1_000 +
    Number(hours.durationMs === lengthMs) * 500 +
    hours.capacity;
  return fitting.toSorted((a, b) => rank(b) - rank(a))[0];
}
