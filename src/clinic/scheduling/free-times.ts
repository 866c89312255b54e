// The visits that weekly hours still have room for: pure, from hours, bookings and leave (contract.md 17, 18).

import { fhirError } from '../../fhir/outcome.ts';
import { zoneOf } from '../../fhir/time-zone.ts';
import { type Interval, meets } from './interval.ts';
import { freeSeat, zoneName } from './place-visits.ts';
import type { BusyTime, LeaveTime, ScheduledHours } from './read-calendar.ts';
import { openWindows, visitsIn, type WeeklyHours } from './weekly-hours.ts';

export interface FoundSchedule extends ScheduledHours {
  /** `Type/id` of those whose times they are. */
  readonly actors: readonly string[];
}

export interface FreeTime extends Interval {
  readonly actors: readonly string[];
  /** `system|code`; empty = for every service. */
  readonly services: readonly string[];
}

export interface FreeTimesOptions {
  readonly span: Interval;
  /** Nothing that has begun is offered. */
  readonly nowMs: number;
  readonly timezone: string;
  /** Only hours for one of these, and those for all; empty = any. */
  readonly services: readonly string[];
  readonly busy: ReadonlyMap<string, readonly BusyTime[]>;
  readonly leaves: readonly LeaveTime[];
  isClosedFor(visit: { readonly locationIds: readonly string[] }, leave: LeaveTime): boolean;
}

/** Bounds on what one call computes and answers. */
export const freeTimesMax = 5_000;
const looksMax = 200_000;

/** In the order of their starts, each once. Throws 400 `too-costly` where there are more than the bounds. */
export function freeTimes(schedules: readonly FoundSchedule[], options: FreeTimesOptions): FreeTime[] {
  const found = new Map<string, FreeTime>();
  const { nowMs } = options;
  const span = { low: Math.max(options.span.low, nowMs), high: options.span.high };
  let looks = 0;
  for (const schedule of schedules) {
    for (const hours of schedule.hours) {
      if (!isFor(hours, options.services)) continue;
      for (const visit of openVisits(schedule, hours, span, options)) {
        looks += 1;
        if (looks > looksMax || found.size > freeTimesMax) throw tooMany();
        if (!visit.isFree) continue;
        const free = { low: visit.low, high: visit.high, actors: schedule.actors, services: hours.services };
        found.set(JSON.stringify([free.low, free.high, free.actors, free.services]), free);
      }
    }
  }
  return [...found.values()].sort((a, b) => a.low - b.low || a.high - b.high);
}

function tooMany(): Error {
  return fhirError('too-costly', `$find proposes at most ${freeTimesMax} times; ask for a shorter time or for fewer.`);
}

function isFor({ services }: WeeklyHours, wanted: readonly string[]): boolean {
  return wanted.length === 0 || services.length === 0 || services.some((service) => wanted.includes(service));
}

/** Every time that hours lay out, with whether it is free. */
function* openVisits(
  schedule: FoundSchedule,
  hours: WeeklyHours,
  span: Interval,
  options: FreeTimesOptions,
): Generator<Interval & { readonly isFree: boolean }> {
  const zone = zoneOf(zoneName(hours, schedule, options.timezone));
  for (const window of openWindows(hours, zone, span)) {
    const near = inTheWay(schedule, withBuffers(window, hours), options);
    for (const visit of visitsIn(hours, zone, window, span)) {
      yield { ...visit, isFree: isFree(withBuffers(visit, hours), near, hours.capacity) };
    }
  }
}

interface InTheWay {
  /** By actor, with their own buffers. */
  readonly busy: readonly (readonly BusyTime[])[];
  readonly leaves: readonly LeaveTime[];
}

function inTheWay({ actors }: FoundSchedule, window: Interval, options: FreeTimesOptions): InTheWay {
  const practitioners = new Set(actors.filter((actor) => actor.startsWith('Practitioner/')));
  const locationIds = actors.filter((actor) => actor.startsWith('Location/')).map((actor) => actor.slice(9));
  return {
    busy: actors.map((actor) =>
      (options.busy.get(actor) ?? [])
        .map((time) => ({ ...time, ...withBuffers(time, time) }))
        .filter((time) => meets(time, window)),
    ),
    leaves: options.leaves.filter((leave) => {
      if (!meets(leave, window)) return false;
      if (leave.actorType === 'Practitioner') return practitioners.has(`Practitioner/${leave.actorId}`);
      return options.isClosedFor({ locationIds }, leave);
    }),
  };
}

/** `visit` with its buffers, which nobody else's time or buffers may meet. */
function isFree(visit: Interval, { busy, leaves }: InTheWay, capacity: number): boolean {
  if (leaves.some((leave) => meets(leave, visit))) return false;
  return busy.every((times) => {
    const met = times.filter((time) => meets(time, visit));
    return met.length === 0 || freeSeat(met, capacity) !== undefined;
  });
}

function withBuffers(
  { low, high }: Interval,
  { beforeMs, afterMs }: { readonly beforeMs: number; readonly afterMs: number },
): Interval {
  return { low: low - beforeMs, high: high + afterMs };
}
