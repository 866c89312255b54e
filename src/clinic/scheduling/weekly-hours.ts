// Weekly hours on the calendar of their zone: when they are open, and when visits can start (contract.md 17).

import type { Zone } from '../../fhir/time-zone.ts';
import { type Interval, meets } from './interval.ts';

/** What one `X/scheduling-parameters` says, as it is stored in a typed row. */
export interface WeeklyHours {
  readonly timezone?: string;
  readonly durationMs: number;
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly stepMs: number;
  readonly stepOffsetMs: number;
  readonly capacity: number;
  /** `system|code`; empty = for every service. */
  readonly services: readonly string[];
  readonly windows: readonly WeeklyWindow[];
  /** The Schedule's planningHorizon: dates are days of the zone, and the last counts. */
  readonly from?: string;
  readonly until?: string;
}

export interface WeeklyWindow {
  /** 0 = Sunday. */
  readonly days: readonly number[];
  /** Wall clock, since midnight. */
  readonly startMs: number;
  /** Wall clock: from 00:00 for 6 hours ends at 06:00 also on a day of 23 or 25 hours. */
  readonly lengthMs: number;
}

/** A window on a day, and the wall time that its steps are counted from. */
export interface OpenWindow extends Interval {
  readonly startWallMs: number;
}

const dayMs = 86_400_000;
/** 1970-01-01 was one. */
const thursday = 4;

/** Those that are open within `span`, whole, in order. */
export function openWindows(hours: WeeklyHours, zone: Zone, span: Interval): OpenWindow[] {
  const horizon = horizonOf(hours, zone);
  const longestMs = Math.max(0, ...hours.windows.map(({ lengthMs }) => lengthMs));
  const firstDay = Math.floor((zone.wallOf(span.low) - longestMs) / dayMs) - 1;
  const lastDay = Math.floor(zone.wallOf(span.high) / dayMs) + 1;
  const open: OpenWindow[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    const weekday = (((day + thursday) % 7) + 7) % 7;
    for (const { days, startMs, lengthMs } of hours.windows) {
      if (!days.includes(weekday)) continue;
      const startWallMs = day * dayMs + startMs;
      const low = Math.max(zone.firstInstantFrom(startWallMs), horizon.low);
      const high = Math.min(zone.firstInstantFrom(startWallMs + lengthMs), horizon.high);
      if (low < high && meets({ low, high }, span)) open.push({ low, high, startWallMs });
    }
  }
  return open.sort((a, b) => a.low - b.low);
}

/** The visits that fit into a window and into `span`; a time that the clock jumps over or repeats starts none of its own. */
export function* visitsIn(hours: WeeklyHours, zone: Zone, window: OpenWindow, span: Interval): Generator<Interval> {
  const { durationMs, stepMs, stepOffsetMs } = hours;
  const offered = { low: Math.max(window.low, span.low), high: Math.min(window.high, span.high) };
  const firstWallMs = window.startWallMs + stepOffsetMs;
  // The clock differs from the steps by less than a day.
  const skipped = Math.max(0, Math.floor((zone.wallOf(offered.low) - dayMs - firstWallMs) / stepMs));
  for (let wallMs = firstWallMs + skipped * stepMs; ; wallMs += stepMs) {
    const low = zone.instantOf(wallMs);
    if ((low ?? zone.firstInstantFrom(wallMs)) + durationMs > offered.high) return;
    if (low !== undefined && low >= offered.low) yield { low, high: low + durationMs };
  }
}

function horizonOf({ from, until }: WeeklyHours, zone: Zone): Interval {
  return {
    low: from === undefined ? -Infinity : momentOf(from, zone, 0),
    high: until === undefined ? Infinity : momentOf(until, zone, 1),
  };
}

function momentOf(text: string, zone: Zone, daysLater: number): number {
  if (text.length > 10) return Date.parse(text);
  const [year = 1, month, day] = text.split('-').map(Number);
  // Of a year or month the last day counts too.
  const later = { years: 0, months: 0, days: 0 };
  if (month === undefined) later.years = daysLater;
  else if (day === undefined) later.months = daysLater;
  else later.days = daysLater;
  const date = new Date(0);
  date.setUTCFullYear(year + later.years, (month ?? 1) - 1 + later.months, (day ?? 1) + later.days);
  return zone.firstInstantFrom(date.getTime());
}
