// Weekly hours on the calendar, and the visits there is room for: contract.md 17; domain.md section 6, Time zones.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type FoundSchedule, type FreeTimesOptions, freeTimes } from '../../../src/clinic/scheduling/free-times.ts';
import { type Interval, meets, merged } from '../../../src/clinic/scheduling/interval.ts';
import type { BusyTime } from '../../../src/clinic/scheduling/read-calendar.ts';
import { openWindows, visitsIn, type WeeklyHours } from '../../../src/clinic/scheduling/weekly-hours.ts';
import { zoneOf } from '../../../src/fhir/time-zone.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const seed = 20_261_120;

function hoursOf(overrides: Partial<WeeklyHours> = {}, startHour = 9, lengthHours = 4): WeeklyHours {
  return {
    ...{
      durationMs: 30 * minuteMs,
      beforeMs: 0,
      afterMs: 0,
      stepMs: overrides.durationMs ?? 30 * minuteMs,
      stepOffsetMs: 0,
    },
    ...{ capacity: 1, services: [] },
    windows: [{ days: [0, 1, 2, 3, 4, 5, 6], startMs: startHour * hourMs, lengthMs: lengthHours * hourMs }],
    ...overrides,
  };
}

function startsOf(hours: WeeklyHours, zoneName: string, span: Interval): string[] {
  const zone = zoneOf(zoneName);
  return openWindows(hours, zone, span).flatMap((window) =>
    [...visitsIn(hours, zone, window, span)].map(({ low }) => new Date(low).toISOString().slice(0, 16)),
  );
}

const daysOf = (year: number, month: number, day: number, count = 1): Interval => ({
  low: Date.UTC(year, month, day),
  high: Date.UTC(year, month, day + count),
});

describe('the days of change', () => {
  const night = hoursOf({}, 0, 6);
  const newYork = 'America/New_York';

  test('what the clock jumps over is not offered, and the window ends at its wall time', () => {
    const starts = startsOf(night, newYork, { low: Date.UTC(2027, 2, 14, 5), high: Date.UTC(2027, 2, 15, 4) });
    const expected = ['05:00', '05:30', '06:00', '06:30', '07:00', '07:30', '08:00', '08:30', '09:00', '09:30'];
    expect(starts).toEqual(expected.map((time) => `2027-03-14T${time}`));
  });

  test('what comes twice is offered once, at the first offset', () => {
    const starts = startsOf(night, newYork, { low: Date.UTC(2027, 10, 7, 4), high: Date.UTC(2027, 10, 8, 5) });
    const expected = [
      ...['04:00', '04:30', '05:00', '05:30'],
      ...['07:00', '07:30', '08:00', '08:30', '09:00', '09:30', '10:00', '10:30'],
    ];
    expect(starts).toEqual(expected.map((time) => `2027-11-07T${time}`));
  });
});

describe('steps', () => {
  const day = daysOf(2026, 11, 7);

  test('go on from the window’s start by the alignment, else by the length of a visit', () => {
    const short = (overrides: Partial<WeeklyHours>) =>
      startsOf(hoursOf(overrides, 9, 1), 'UTC', day).map((start) => start.slice(11));
    expect(short({})).toEqual(['09:00', '09:30']);
    expect(short({ stepMs: 10 * minuteMs })).toEqual(['09:00', '09:10', '09:20', '09:30']);
    expect(short({ stepMs: 20 * minuteMs, stepOffsetMs: 5 * minuteMs })).toEqual(['09:05', '09:25']);
  });

  test('begin in a window of the day before that goes past midnight', () => {
    const late = hoursOf({ windows: [{ days: [1], startMs: 22 * hourMs, lengthMs: 4 * hourMs }] });
    expect(startsOf(late, 'UTC', daysOf(2026, 11, 8))).toEqual(
      ['00:00', '00:30', '01:00', '01:30'].map((time) => `2026-12-08T${time}`),
    );
  });

  test('of a horizon: its last day counts, in the zone', () => {
    const hours = hoursOf({ from: '2026-12-07', until: '2026-12-07' }, 20, 3);
    const starts = startsOf(hours, 'America/New_York', daysOf(2026, 11, 5, 6));
    expect([starts.length, starts[0], starts.at(-1)]).toEqual([6, '2026-12-08T01:00', '2026-12-08T03:30']);
    const exact = hoursOf({ from: '2026-12-07T09:30:00Z', until: '2026-12-07T10:30:00Z' });
    expect(startsOf(exact, 'UTC', daysOf(2026, 11, 1, 12))).toEqual(['2026-12-07T09:30', '2026-12-07T10:00']);
    expect(startsOf(hoursOf({ until: '2026-12' }), 'UTC', daysOf(2026, 11, 31, 2)).length).toBe(8);
  });
});

test('a year of weekly hours is laid out whole: as many visits as days have room for', () => {
  const year = daysOf(2027, 0, 1, 365);
  expect(
    startsOf(hoursOf({ durationMs: 15 * minuteMs, stepMs: 15 * minuteMs }, 8, 10), 'Europe/Berlin', year),
  ).toHaveLength(365 * 40);
});

const zoneName = fc.constantFrom(
  ...['UTC', 'America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'Africa/Casablanca', 'Asia/Kolkata'],
);
const minutes = (max: number) => fc.integer({ min: 0, max: max / 5 }).map((fives) => fives * 5 * minuteMs);
const window = fc.record({
  days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
  startMs: minutes(1_435),
  lengthMs: minutes(1_440),
});
const hoursArbitrary: fc.Arbitrary<WeeklyHours> = fc
  .record({
    durationMs: fc.constantFrom(10, 15, 20, 30, 45, 60, 90).map((one) => one * minuteMs),
    beforeMs: minutes(30),
    afterMs: minutes(30),
    step: fc.option(fc.constantFrom(5, 10, 30).map((one) => one * minuteMs)),
    stepOffsetMs: minutes(20),
    capacity: fc.integer({ min: 1, max: 3 }),
    windows: fc.array(window, { minLength: 1, maxLength: 3 }),
  })
  .map(({ step, ...hours }) => ({ ...hours, stepMs: step ?? hours.durationMs, services: [] }));
/** Weeks around the changes of 2027, and others. */
const weekStart = fc
  .tuple(
    fc.constantFrom(
      Date.UTC(2027, 2, 14),
      Date.UTC(2027, 2, 28),
      Date.UTC(2027, 3, 4),
      Date.UTC(2027, 9, 31),
      Date.UTC(2027, 10, 7),
      Date.UTC(2027, 6, 1),
    ),
    minutes(1_440),
  )
  .map(([day, ms]) => day - 3 * dayMs + ms);

describe('whatever the hours, the zone and the week', () => {
  test('visits start at wall times of the windows, are as long as said, in no gap, and inside', () => {
    fc.assert(
      fc.property(hoursArbitrary, zoneName, weekStart, (hours, name, low) => {
        const zone = zoneOf(name);
        const span = { low, high: low + 7 * dayMs };
        for (const open of openWindows(hours, zone, span)) {
          const visits = [...visitsIn(hours, zone, open, span)];
          for (const visit of visits) {
            expect(visit.high - visit.low).toBe(hours.durationMs);
            expect(visit.low >= Math.max(open.low, low) && visit.high <= Math.min(open.high, span.high)).toBe(true);
            const wallMs = zone.wallOf(visit.low);
            expect([(wallMs - open.startWallMs - hours.stepOffsetMs) % hours.stepMs, zone.instantOf(wallMs)]).toEqual([
              0,
              visit.low,
            ]);
          }
          expect(new Set(visits.map((visit) => visit.low)).size).toBe(visits.length);
        }
      }),
      { seed, numRuns: 50 },
    );
  });

  test('as many visits as a plain walk over the minutes finds', () => {
    fc.assert(
      fc.property(hoursArbitrary, zoneName, weekStart, (hours, name, low) => {
        const zone = zoneOf(name);
        const span = { low, high: low + 4 * dayMs };
        const found = new Set<number>();
        for (const open of openWindows(hours, zone, span))
          for (const visit of visitsIn(hours, zone, open, span)) found.add(visit.low);
        expect([...found].sort((a, b) => a - b)).toEqual(walk(hours, name, span));
      }),
      { seed, numRuns: 15 },
    );
  });
});

/** Every five minutes of local days: is there a window and a step, and does the visit fit? */
function walk(hours: WeeklyHours, name: string, span: Interval): number[] {
  const zone = zoneOf(name);
  const found = new Set<number>();
  for (let day = Math.floor(span.low / dayMs) - 3; day <= Math.floor(span.high / dayMs) + 2; day++) {
    for (const { days, startMs, lengthMs } of hours.windows) {
      if (!days.includes(new Date(day * dayMs).getUTCDay())) continue;
      const startWallMs = day * dayMs + startMs;
      const closes = zone.firstInstantFrom(startWallMs + lengthMs);
      for (let wallMs = startWallMs + hours.stepOffsetMs; wallMs < startWallMs + lengthMs; wallMs += hours.stepMs) {
        const low = zone.instantOf(wallMs);
        if (low === undefined || low < span.low || low < zone.firstInstantFrom(startWallMs)) continue;
        if (low + hours.durationMs <= Math.min(closes, span.high)) found.add(low);
      }
    }
  }
  return [...found].sort((a, b) => a - b);
}

describe('whatever is booked', () => {
  const span = daysOf(2027, 2, 13, 3);

  function find(hours: WeeklyHours, name: string, busy: readonly BusyTime[]): readonly Interval[] {
    const schedule: FoundSchedule = { scheduleId: 's', hours: [hours], timezone: name, actors: ['Practitioner/a'] };
    const options: FreeTimesOptions = {
      ...{ span, nowMs: 0, timezone: 'UTC', services: [], leaves: [], isClosedFor: () => false },
      busy: new Map([['Practitioner/a', busy]]),
    };
    return freeTimes([schedule], options);
  }

  const around = ({ low, high }: Interval, { beforeMs, afterMs }: WeeklyHours) => ({
    low: low - beforeMs,
    high: high + afterMs,
  });

  test('to book what is proposed until nothing is: buffers never meet, and no time holds more than its capacity', () => {
    fc.assert(
      fc.property(
        hoursArbitrary,
        zoneName,
        fc.array(fc.nat(), { minLength: 25, maxLength: 25 }),
        (hours, name, picks) => {
          const booked: BusyTime[] = [];
          for (const pick of picks) {
            const free = find(hours, name, booked);
            if (free.length === 0) break;
            const chosen = free[pick % free.length] as Interval;
            const taken = new Set(
              booked.filter((one) => meets(around(one, hours), around(chosen, hours))).map(({ seat }) => seat),
            );
            const seat = [1, 2, 3].find((one) => !taken.has(one)) ?? 0;
            expect(seat).toBeGreaterThan(0);
            expect(seat).toBeLessThanOrEqual(hours.capacity);
            booked.push({ ...chosen, seat, overbooked: false, beforeMs: hours.beforeMs, afterMs: hours.afterMs });
          }
          const ofSeat = Map.groupBy(booked, ({ seat }) => seat);
          for (const times of ofSeat.values()) {
            const whole = times.map((time) => around(time, hours));
            // Buffers that touch are merged too, so the lengths are compared.
            const sum = (intervals: readonly Interval[]) => intervals.reduce((ms, { low, high }) => ms + high - low, 0);
            expect(sum(merged(whole))).toBe(sum(whole));
          }
        },
      ),
      { seed, numRuns: 15 },
    );
  });
});
