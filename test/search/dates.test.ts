// Date searches follow the overlap rules of the prefixes: https://hl7.org/fhir/R4/search.html#prefix

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { parseDate } from '../../src/fhir/dates.ts';
import { compileCriteria } from '../../src/search/compile/criteria.ts';
import { finds, now, parse, queryOf } from './evaluate.ts';

const seed = 20_261_120;
const dayMs = 86_400_000;

interface Span {
  readonly low: number;
  readonly high: number;
}

/** The definition, as R4 words it: the range of the search value against that of the target. */
function satisfies(prefix: string, search: Span, target: Span): boolean {
  const contains = search.low <= target.low && target.high <= search.high;
  const overlaps = target.low <= search.high && target.high >= search.low;
  const reachesAbove = target.high > search.high;
  const reachesBelow = target.low < search.low;
  const slackMs = Math.round(Math.abs(now - (search.low + search.high) / 2) / 10);
  const nearby = target.low <= search.high + slackMs && target.high >= search.low - slackMs;
  const rules: Record<string, boolean> = {
    eq: contains,
    ne: !contains,
    gt: reachesAbove,
    lt: reachesBelow,
    ge: reachesAbove || contains || (overlaps && target.low >= search.low),
    le: reachesBelow || contains || (overlaps && target.high <= search.high),
    sa: target.low > search.high,
    eb: target.high < search.low,
    ap: nearby,
  };
  return rules[prefix] ?? false;
}

const prefix = fc.constantFrom('eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap');
const day = fc
  .integer({ min: Date.UTC(1978, 10, 1) / dayMs, max: Date.UTC(1981, 2, 1) / dayMs })
  .map((number) => new Date(number * dayMs).toISOString().slice(0, 10));
const date = fc.tuple(day, fc.constantFrom(4, 7, 10)).map(([text, length]) => text.slice(0, length));
const time = fc.constantFrom('T00:00:00Z', 'T23:59:59.999Z', 'T12:30:00-05:00', 'T08:00:00.25+09:00');
const dateTime = fc.oneof(
  date,
  fc.tuple(day, time).map(([text, rest]) => text + rest),
);

function spanOfText(text: string): Span {
  return parseDate(text, 'search') as Span;
}

describe('dates in order', () => {
  test('a dateTime is found by each prefix as the definition says', () => {
    fc.assert(
      fc.property(prefix, dateTime, dateTime, (sign, value, effectiveDateTime) => {
        const observation = { resourceType: 'Observation', effectiveDateTime } as Resource;
        const query = parse('Observation', queryOf(['date', sign + value]));
        expect(finds(query, observation)).toBe(satisfies(sign, spanOfText(value), spanOfText(effectiveDateTime)));
      }),
      { seed, numRuns: 3000 },
    );
  });

  test('a Period is found by each prefix, open ends reaching for ever', () => {
    const bound = fc.option(dateTime, { nil: undefined });
    const period = fc.tuple(bound, bound).map(([a, b]) => {
      if (!a || !b) return { start: a, end: b };
      return spanOfText(a).low <= spanOfText(b).low ? { start: a, end: b } : { start: b, end: a };
    });
    fc.assert(
      fc.property(prefix, dateTime, period, (sign, value, { start, end }) => {
        fc.pre(start !== undefined || end !== undefined);
        const low = start ? spanOfText(start).low : Date.parse('0001-01-01T00:00:00Z');
        const high = end ? spanOfText(end).high : Date.parse('9999-12-31T23:59:59.999Z');
        fc.pre(low <= high);
        const encounter = { resourceType: 'Encounter', period: { start, end } } as Resource;
        const query = parse('Encounter', queryOf(['date', sign + value]));
        expect(finds(query, encounter)).toBe(satisfies(sign, spanOfText(value), { low, high }));
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('repeats must all hold of a single value, and commas are alternatives', () => {
    const asked = fc.array(fc.array(fc.tuple(prefix, dateTime), { minLength: 1, maxLength: 2 }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(asked, dateTime, (criteria, effectiveDateTime) => {
        const observation = { resourceType: 'Observation', effectiveDateTime } as Resource;
        const pairs = criteria.map((values): [string, string] => [
          'date',
          values.map(([sign, text]) => sign + text).join(','),
        ]);
        const target = spanOfText(effectiveDateTime);
        const wanted = criteria.every((values) =>
          values.some(([sign, text]) => satisfies(sign, spanOfText(text), target)),
        );
        expect(finds(parse('Observation', queryOf(...pairs)), observation)).toBe(wanted);
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('a Period of some days may bridge repeats that share no day', () => {
    const shift = fc
      .integer({ min: -5, max: 5 })
      .map((days) => new Date(Date.UTC(2026, 10, 20) + days * dayMs).toISOString());
    const criteria = fc.array(fc.tuple(fc.constantFrom('gt', 'lt', 'ge', 'le', 'sa', 'eb', 'eq'), shift), {
      minLength: 2,
      maxLength: 3,
    });
    fc.assert(
      fc.property(criteria, shift, shift, (asked, a, b) => {
        const [start, end] = [a, b].sort();
        const encounter = { resourceType: 'Encounter', period: { start, end } } as Resource;
        const pairs = asked.map(([sign, text]): [string, string] => ['date', sign + text]);
        const target = { low: spanOfText(start!).low, high: spanOfText(end!).high };
        const wanted = asked.every(([sign, text]) => satisfies(sign, spanOfText(text), target));
        expect(finds(parse('Encounter', queryOf(...pairs)), encounter)).toBe(wanted);
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('different values of a repeating element may satisfy different repeats', () => {
    const goal = { resourceType: 'Goal', target: [{ dueDate: '2026-01-01' }, { dueDate: '2026-12-31' }] } as Resource;
    expect(finds(parse('Goal', 'target-date=lt2026-02-01&target-date=gt2026-11-30'), goal)).toBe(true);
    expect(finds(parse('Goal', 'target-date=gt2026-02-01&target-date=lt2026-11-30'), goal)).toBe(true);
  });

  test('one day of a clinic in its own zone is two UTC days looked up by token', () => {
    const query = parse(
      'Appointment',
      queryOf(['date', 'ge2026-11-20T00:00:00-05:00'], ['date', 'lt2026-11-21T00:00:00-05:00']),
    );
    const [days] = compileCriteria(query.criteria).conditions;
    expect(days).toEqual({
      kind: 'tokens',
      anyOf: [['Appointment.date|2026-11-20'], ['Appointment.date|2026-11-21'], ['Appointment.date|long']],
      ofDate: 'date',
    });
  });
});

describe('dates that identify a person', () => {
  test('the keyed days, months and years answer every prefix exactly', () => {
    fc.assert(
      fc.property(prefix, date, date, (sign, value, birthDate) => {
        const patient = { resourceType: 'Patient', birthDate } as Resource;
        const query = parse('Patient', queryOf(['birthdate', sign + value]));
        expect(finds(query, patient)).toBe(satisfies(sign, spanOfText(value), spanOfText(birthDate)));
      }),
      { seed, numRuns: 3000 },
    );
  });

  test('a time of day is rechecked on the resource', () => {
    fc.assert(
      fc.property(prefix, dateTime, dateTime, (sign, value, deceasedDateTime) => {
        const patient = { resourceType: 'Patient', deceasedDateTime } as Resource;
        const query = parse('Patient', queryOf(['death-date', sign + value]));
        expect(finds(query, patient)).toBe(satisfies(sign, spanOfText(value), spanOfText(deceasedDateTime)));
      }),
      { seed, numRuns: 3000 },
    );
  });

  test('from and to together are one range of few tokens', () => {
    fc.assert(
      fc.property(date, date, date, (from, to, birthDate) => {
        const patient = { resourceType: 'Patient', birthDate } as Resource;
        const query = parse('Patient', queryOf(['birthdate', `ge${from}`], ['birthdate', `lt${to}`]));
        const target = spanOfText(birthDate);
        const wanted = satisfies('ge', spanOfText(from), target) && satisfies('lt', spanOfText(to), target);
        expect(finds(query, patient)).toBe(wanted);
        expect(compileCriteria(query.criteria).conditions).toHaveLength(1);
      }),
      { seed, numRuns: 2000 },
    );
  });

  test('an open range is looked up by at most a few hundred tokens', () => {
    for (const sign of ['ge', 'lt', 'ne']) {
      const query = parse('Patient', `birthdate=${sign}1980-06-15`);
      const [condition] = compileCriteria(query.criteria).conditions;
      expect(condition?.kind === 'tokens' && condition.anyOf.length).toBeLessThan(500);
    }
  });
});
