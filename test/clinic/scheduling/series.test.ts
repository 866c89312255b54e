// The times of a series: wall time, patterns, ends and what is refused: contract.md 21; security.md 120.

import { describe, expect, test } from '@jest/globals';
import type { Extension } from '@medplum/fhirtypes';
import { occurrencesOf } from '../../../src/clinic/scheduling/series.ts';

const halfHourMs = 1_800_000;

const every = (code: string): Extension => ({ url: 'recurrenceType', valueCodeableConcept: { coding: [{ code }] } });
const count = (valuePositiveInt: number): Extension => ({ url: 'occurrenceCount', valuePositiveInt });
const until = (valueDate: string): Extension => ({ url: 'lastOccurrenceDate', valueDate });
const without = (valueDate: string): Extension => ({ url: 'excludingDate', valueDate });
const inZone = (code: string): Extension => ({ url: 'timezone', valueCodeableConcept: { coding: [{ code }] } });

/** Starts, to the minute, in UTC. */
function startsOf(start: string, ...extension: Extension[]): string[] {
  const low = Date.parse(start);
  const found = occurrencesOf({ url: 'template', extension }, { low, high: low + halfHourMs }, 'UTC');
  for (const occurrence of found) expect(occurrence.high - occurrence.low).toBe(halfHourMs);
  return found.map((occurrence) => new Date(occurrence.low).toISOString().slice(0, 16));
}

describe('wall time', () => {
  test('stays the same over both changes of the clock', () => {
    expect(startsOf('2027-03-07T09:00:00-05:00', every('wk'), count(3), inZone('America/New_York'))).toEqual([
      '2027-03-07T14:00',
      '2027-03-14T13:00',
      '2027-03-21T13:00',
    ]);
    expect(startsOf('2027-10-31T01:30:00-04:00', every('wk'), count(3), inZone('America/New_York'))).toEqual([
      '2027-10-31T05:30',
      '2027-11-07T05:30',
      '2027-11-14T06:30',
    ]);
  });

  test('that the clock jumps over is refused with its day, unless the day is left out', () => {
    const night = ['2027-03-13T02:30:00-05:00', every('d'), count(2), inZone('America/New_York')] as const;
    expect(() => startsOf(...night)).toThrow(/2027-03-14/);
    expect(startsOf(...night, without('2027-03-14'))).toEqual(['2027-03-13T07:30', '2027-03-15T06:30']);
  });

  test('is the zone’s, not UTC’s: a day is the local one', () => {
    expect(startsOf('2026-12-31T23:30:00-05:00', every('mo'), count(2), inZone('America/New_York'))).toEqual([
      '2027-01-01T04:30',
      '2027-02-01T04:30',
    ]);
  });
});

describe('patterns', () => {
  const days = (starts: readonly string[]) => starts.map((start) => start.slice(5, 10));

  test('weeks: on the days named, every so many weeks, counted from Mondays', () => {
    const template: Extension = {
      url: 'weeklyTemplate',
      extension: [
        { url: 'monday', valueBoolean: true },
        { url: 'thursday', valueBoolean: true },
        { url: 'weekInterval', valuePositiveInt: 2 },
      ],
    };
    const starts = startsOf('2026-12-10T09:00:00Z', every('wk'), count(4), template);
    expect(days(starts)).toEqual(['12-10', '12-21', '12-24', '01-04']);
  });

  test('months: those that have the day, every so many', () => {
    expect(days(startsOf('2026-12-31T09:00:00Z', every('mo'), count(3)))).toEqual(['12-31', '01-31', '03-31']);
    const template: Extension = { url: 'monthlyTemplate', extension: [{ url: 'monthInterval', valuePositiveInt: 3 }] };
    expect(days(startsOf('2026-12-07T09:00:00Z', every('mo'), count(3), template))).toEqual([
      '12-07',
      '03-07',
      '06-07',
    ]);
  });

  test('days and years, to a last date or a number, without the days left out', () => {
    expect(days(startsOf('2026-12-07T09:00:00Z', every('d'), until('2026-12-09')))).toEqual([
      '12-07',
      '12-08',
      '12-09',
    ]);
    expect(days(startsOf('2026-12-07T09:00:00Z', every('d'), count(2), without('2026-12-08')))).toEqual([
      '12-07',
      '12-09',
    ]);
    // Of two ends the earlier one.
    const both = [count(5), until('2026-12-08')] as const;
    expect(days(startsOf('2026-12-07T09:00:00Z', every('d'), ...both))).toEqual(['12-07', '12-08']);
    expect(startsOf('2028-02-29T09:00:00Z', every('a'), count(2))).toEqual(['2028-02-29T09:00', '2032-02-29T09:00']);
  });
});

test.each<[string, Extension[]]>([
  ['no end', [every('wk')]],
  ['no type', [count(2)]],
  ['another type', [every('min'), count(2)]],
  ['too many', [every('d'), count(101)]],
  ['too many to the last date', [every('d'), until('2027-12-31')]],
  ['an end before the first', [every('d'), until('2026-12-06')]],
  ['a date that is none', [every('d'), until('2026-12')]],
  ['a zone that is none', [every('d'), count(2), inZone('Mars/Olympus')]],
  ['a first day that is left out', [every('d'), count(2), without('2026-12-07')]],
  [
    'a day of the month that is not the first’s',
    [every('mo'), count(2), { url: 'monthlyTemplate', extension: [{ url: 'dayOfMonth', valuePositiveInt: 9 }] }],
  ],
  ['an unknown part', [every('d'), count(2), { url: 'occurrenceDate', valueDate: '2026-12-08' }]],
])('refused with 422 is %s', (_, extension) => {
  expect(() => startsOf('2026-12-07T09:00:00Z', ...extension)).toThrow(expect.objectContaining({ status: 422 }));
});
