// A search for whole days of a point in time is decided by the tokens of these days alone: https://hl7.org/fhir/R4/search.html#date

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { parseDate } from '../../src/fhir/dates.ts';
import { compileCriteria } from '../../src/search/compile/criteria.ts';
import { finds, parse, queryOf } from './evaluate.ts';

const dayMs = 86_400_000;
const day = fc
  .integer({ min: Date.UTC(2023, 11, 25) / dayMs, max: Date.UTC(2024, 2, 5) / dayMs })
  .map((number) => new Date(number * dayMs).toISOString().slice(0, 10));
const time = fc.constantFrom('T00:00:00Z', 'T23:59:59.999Z', 'T23:30:00-05:00', 'T00:30:00+09:00');
const dateTime = fc.oneof(
  fc.tuple(day, fc.constantFrom(4, 7, 10)).map(([text, length]) => text.slice(0, length)),
  fc.tuple(day, time).map(([text, rest]) => text + rest),
);

const isImplied = (query: string) =>
  compileCriteria(parse('Condition', query).criteria).conditions.some(
    (condition) => condition.kind === 'date' && condition.isImplied === true,
  );

describe('a dateTime', () => {
  test('is found by a value that contains it, whatever the precision of either', () => {
    fc.assert(
      fc.property(fc.array(dateTime, { minLength: 1, maxLength: 3 }), dateTime, (values, recordedDate) => {
        const target = parseDate(recordedDate, 'search');
        const isContained = values.some((value) => {
          const asked = parseDate(value, 'search');
          return asked && target && asked.low <= target.low && target.high <= asked.high;
        });
        const query = parse('Condition', queryOf(['recorded-date', values.join(',')]));
        expect(finds(query, { resourceType: 'Condition', recordedDate } as Resource)).toBe(isContained);
      }),
      { seed: 20_261_120, numRuns: 500 },
    );
  });

  test.each([
    ['recorded-date=2024-02-28', true],
    ['recorded-date=2024-02-28,2024-03-01', true],
    // A month may be stored, and is no day's token.
    ['recorded-date=2024-02', false],
    ['recorded-date=2024-02-28T10:00:00Z', false],
    ['recorded-date=ge2024-02-28', false],
    ['recorded-date=2024-02-28&recorded-date=2024-02-28', false],
    // A Period may reach beyond the day.
    ['onset-date=2024-02-28', false],
  ])('is decided by the tokens of days for %s: %s', (query, expected) => {
    expect(isImplied(query)).toBe(expected);
  });
});
