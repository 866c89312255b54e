// Dates are read by their precision and against the calendar: https://hl7.org/fhir/R4/datatypes.html#date

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type DateKind, parseDate } from '../../src/fhir/dates.ts';

const formatInstant = (milliseconds: number) => new Date(milliseconds).toISOString();

const seed = 20_261_120;

function range(text: string, kind: DateKind = 'dateTime'): [string, string] | undefined {
  const found = parseDate(text, kind);
  return found && [formatInstant(found.low), formatInstant(found.high)];
}

describe('a date stands for its whole year, month, day, second or fraction', () => {
  test.each([
    ['2026', '2026-01-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2026-11', '2026-11-01T00:00:00.000Z', '2026-11-30T23:59:59.999Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z', '2024-02-29T23:59:59.999Z'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2026-12-31T23:59:59.999Z'],
    ['2026-11-20', '2026-11-20T00:00:00.000Z', '2026-11-20T23:59:59.999Z'],
    ['2026-11-20T10:30:15Z', '2026-11-20T10:30:15.000Z', '2026-11-20T10:30:15.999Z'],
    ['2026-11-20T10:30:15.2Z', '2026-11-20T10:30:15.200Z', '2026-11-20T10:30:15.299Z'],
    ['2026-11-20T10:30:15.123456+05:30', '2026-11-20T05:00:15.123Z', '2026-11-20T05:00:15.123Z'],
    ['2026-12-31T20:00:00-14:00', '2027-01-01T10:00:00.000Z', '2027-01-01T10:00:00.999Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z', '2017-01-01T00:00:00.999Z'],
    ['0001', '0001-01-01T00:00:00.000Z', '0001-12-31T23:59:59.999Z'],
    ['9999-12-31', '9999-12-31T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
    // What an offset, or a leap second, leads out of the years that there are is at their end.
    ['9999-12-31T23:59:59-14:00', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31T23:59:60Z', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00+14:00', '0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00.000Z'],
  ])('%s is from %s to %s', (text, low, high) => {
    expect(range(text)).toEqual([low, high]);
  });
});

test.each([
  '',
  '26',
  '20261120',
  '2026-1',
  '2026-13',
  '2026-00',
  '2026-02-30',
  '2025-02-29',
  '1900-02-29',
  '2026-04-31',
  '2026-11-00',
  '0000',
  '2026-11-20T',
  '2026-11-20T10:30:15',
  '2026-11-20T10:30Z',
  '2026-11-20T24:00:00Z',
  '2026-11-20T10:60:00Z',
  '2026-11-20T10:30:61Z',
  '2026-11-20T10:30:15.Z',
  '2026-11-20T10:30:15,5Z',
  '2026-11-20T10:30:15z',
  '2026-11-20 10:30:15Z',
  '2026-11-20T10:30:15+5:00',
  '2026-11-20T10:30:15+14:01',
  '2026-11-20T10:30:15+10:60',
  '+2026',
  '-001',
  '２０２６',
  '2026-11-20T10:30:15+05:00Z',
  '2026/11/20',
  ` 2026`,
  '2026\n',
  `2026-11-20T10:30:15.${'1'.repeat(100)}Z`,
])('%j is no dateTime', (text) => {
  expect(parseDate(text, 'dateTime')).toBeUndefined();
});

describe('each kind has its own precisions', () => {
  const texts = [
    '2026',
    '2026-11',
    '2026-11-20',
    '2026-11-20T10:30',
    '2026-11-20T10:30Z',
    '2026-11-20T10:30:15',
    '2026-11-20T10:30:15Z',
    '10:30:15',
    '10:30',
  ];
  test.each<[DateKind, string[]]>([
    ['date', ['2026', '2026-11', '2026-11-20']],
    ['dateTime', ['2026', '2026-11', '2026-11-20', '2026-11-20T10:30:15Z']],
    ['instant', ['2026-11-20T10:30:15Z']],
    ['time', ['10:30:15']],
    ['search', texts.slice(0, 7)],
  ])('%s takes %j', (kind, accepted) => {
    expect(texts.filter((text) => parseDate(text, kind))).toEqual(accepted);
  });

  test('a search may leave out seconds and zone, which then is UTC (https://hl7.org/fhir/R4/search.html#date)', () => {
    expect(range('2026-11-20T10:30', 'search')).toEqual(['2026-11-20T10:30:00.000Z', '2026-11-20T10:30:59.999Z']);
    expect(range('2026-11-20T10:30-05:00', 'search')).toEqual(['2026-11-20T15:30:00.000Z', '2026-11-20T15:30:59.999Z']);
    expect(range('2026-11-20T10:30:15', 'search')).toEqual(range('2026-11-20T10:30:15Z'));
  });

  test('a time counts from midnight', () => {
    expect(parseDate('10:30:15.5', 'time')).toEqual({ low: 37_815_500, high: 37_815_599 });
    expect(parseDate('24:00:00', 'time')).toBeUndefined();
  });
});

describe(`for all instants of the years 1 to 9999 (seed ${seed})`, () => {
  const instant = fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') });

  test('an instant as JavaScript writes it is read as that moment', () => {
    const property = fc.property(instant, (at) => {
      expect(parseDate(formatInstant(at), 'instant')).toEqual({ low: at, high: at });
    });
    fc.assert(property, { seed, numRuns: 1000 });
  });

  test('a prefix of an instant covers it, and every day text is a day of JavaScript too', () => {
    const property = fc.property(instant, fc.constantFrom(4, 7, 10), (at, length) => {
      const found = parseDate(formatInstant(at).slice(0, length), 'date');
      expect(found && found.low <= at && at <= found.high).toBe(true);
    });
    fc.assert(property, { seed, numRuns: 1000 });
  });

  test('a day that Date would roll over to another month is refused', () => {
    const property = fc.property(fc.integer({ min: 1, max: 9999 }), fc.nat(19), fc.nat(39), (year, month, day) => {
      const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
      const date = new Date(`${text}T00:00:00Z`);
      const isDay = !Number.isNaN(date.getTime()) && formatInstant(date.getTime()).startsWith(text);
      expect(parseDate(text, 'date') !== undefined).toBe(isDay);
    });
    fc.assert(property, { seed, numRuns: 2000 });
  });
});
