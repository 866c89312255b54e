// Wall time and days in zones: gaps and folds, against what the platform itself says: security.md 120; contract.md 15, 38; domain.md section 6.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isZoneName, localDate, zoneOf } from '../../src/fhir/time-zone.ts';

const names = [
  ...['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Africa/Casablanca'],
  ...['America/St_Johns', 'Pacific/Apia', 'Europe/Dublin', 'Asia/Gaza', 'America/Sao_Paulo', 'Pacific/Kiritimati'],
];
const zoneName = fc.constantFrom(...names);
const instant = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2037, 0, 1) });
const seed = 20_261_120;

/** The slow way: the platform's own words for an instant, read as a clock of UTC. */
function platformWall(timeZone: string, instantMs: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(instantMs);
  const of = (wanted: string) => Number(parts.find(({ type }) => type === wanted)?.value);
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}

describe('whatever the zone', () => {
  test('the wall time of an instant is the platform’s', () => {
    fc.assert(
      fc.property(zoneName, instant, (name, ms) => {
        const whole = ms - (ms % 1_000);
        expect(zoneOf(name).wallOf(whole)).toBe(platformWall(name, whole));
      }),
      { seed, numRuns: 200 },
    );
  });

  test('the instant of a wall time shows that time, and is the first that does; a time without one is jumped over', () => {
    const dayMs = 86_400_000;
    fc.assert(
      fc.property(zoneName, instant, (name, wallMs) => {
        const zone = zoneOf(name);
        const found = zone.instantOf(wallMs);
        const from = zone.firstInstantFrom(wallMs);
        if (found === undefined) {
          expect(zone.wallOf(from)).toBeGreaterThan(wallMs);
          expect(zone.wallOf(from - 1)).toBeLessThan(wallMs);
          return;
        }
        expect([zone.wallOf(found), from]).toEqual([wallMs, found]);
        for (let ms = found - dayMs; ms < found; ms += 900_000) expect(zone.wallOf(ms)).not.toBe(wallMs);
      }),
      { seed, numRuns: 80 },
    );
  });
});

describe('on the days of change', () => {
  const newYork = zoneOf('America/New_York');

  test('a time in the gap has no instant; the first from there is the jump', () => {
    expect(newYork.instantOf(Date.UTC(2027, 2, 14, 2, 30))).toBeUndefined();
    expect(newYork.firstInstantFrom(Date.UTC(2027, 2, 14, 2, 30))).toBe(Date.UTC(2027, 2, 14, 7));
    expect(newYork.instantOf(Date.UTC(2027, 2, 14, 3))).toBe(Date.UTC(2027, 2, 14, 7));
    expect(newYork.instantOf(Date.UTC(2027, 2, 14, 1, 59))).toBe(Date.UTC(2027, 2, 14, 6, 59));
  });

  test('a time that comes twice is the first', () => {
    expect(newYork.instantOf(Date.UTC(2027, 10, 7, 1, 30))).toBe(Date.UTC(2027, 10, 7, 5, 30));
    expect(newYork.instantOf(Date.UTC(2027, 10, 7, 2))).toBe(Date.UTC(2027, 10, 7, 7));
  });

  test('half hours and whole days are jumped over too', () => {
    const lordHowe = zoneOf('Australia/Lord_Howe');
    expect(lordHowe.instantOf(Date.UTC(2026, 9, 4, 2, 15))).toBeUndefined();
    expect(lordHowe.instantOf(Date.UTC(2026, 9, 4, 2, 30))).toBe(Date.UTC(2026, 9, 3, 15, 30));
    const apia = zoneOf('Pacific/Apia');
    expect(apia.instantOf(Date.UTC(2011, 11, 30, 12))).toBeUndefined();
    expect(apia.firstInstantFrom(Date.UTC(2011, 11, 30, 12))).toBe(Date.UTC(2011, 11, 30, 10));
  });
});

test.each([
  ['2026-11-23T23:30:00Z', 'UTC', '2026-11-23'],
  ['2026-11-23T23:30:00Z', 'Europe/Zurich', '2026-11-24'],
  ['2026-11-23T03:30:00Z', 'America/New_York', '2026-11-22'],
  ['2026-11-23T10:00:00Z', 'Pacific/Kiritimati', '2026-11-24'],
  // The clocks go forward at one and back at one: 23:59 before and 00:00 after are two days all the same.
  ['2026-03-28T23:59:00Z', 'Europe/London', '2026-03-28'],
  ['2026-03-29T23:00:00Z', 'Europe/London', '2026-03-30'],
  ['2026-10-25T23:59:00Z', 'Europe/London', '2026-10-25'],
])('the day of %s in %s is %s', (at, zone, day) => {
  expect(localDate(new Date(at), zone)).toBe(day);
});

test('what is no zone of IANA is refused', () => {
  expect(['Europe/Vienna', 'UTC'].map(isZoneName)).toEqual([true, true]);
  const wrong = ['', '+01:00', 'Mars/Olympus', 'Europe/Vienna ', '../etc', 'a'.repeat(100), 'Europe/Vien\u0000na'];
  expect(wrong.map(isZoneName)).toEqual(wrong.map(() => false));
  expect(() => zoneOf('Mars/Olympus')).toThrow(RangeError);
});
