// A search of AuditEvents names the months it reads, or the days where these are few, never fewer than its dates allow: https://hl7.org/fhir/R4/search.html#date

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { auditRows } from '../../src/search/compile/audit-months.ts';
import { sortConditions } from '../../src/search/compile/candidates.ts';
import { compileCriteria } from '../../src/search/compile/criteria.ts';
import type { DatePrefix, DateValue } from '../../src/search/search-query.ts';
import { parse } from './evaluate.ts';

const rowsOf = (query: string) =>
  auditRows(sortConditions(compileCriteria(parse('AuditEvent', query).criteria).conditions));

const all = 'audit_event';
const between = (...bounds: string[]) => `(SELECT * FROM audit_event WHERE ${bounds.join(' AND ')})`;
const since = (day: string) => `last_updated >= timestamptz '${day}T00:00:00.000Z'`;
const until = (day: string) => `last_updated < timestamptz '${day}T00:00:00.000Z'`;

describe('of the time', () => {
  test.each([
    ['date=ge2026-03-05&date=lt2026-04-07', between(since('2026-03-01'), until('2026-05-01'))],
    ['date=2026-12', between(since('2026-12-01'), until('2027-01-01'))],
    ['date=ge2026-03-05&date=lt2026-03-07', between(since('2026-03-05'), until('2026-03-07'))],
    ['date=2026-12-31', between(since('2026-12-31'), until('2027-01-01'))],
    ['_lastUpdated=ge2026-02-28T23:59:59-01:00', between(since('2026-03-01'))],
    ['date=le2026-03', between(until('2026-04-01'))],
    ['date=2026-01,2026-03', between(since('2026-01-01'), until('2026-04-01'))],
    ['date=ge2026-03,le2026-01', all],
    ['date=ne2026-03', all],
    ['agent=Practitioner/1', all],
    ['date=ge0001', all],
    ['date=lt9999-12-31', all],
  ])('%s reads %s', (query, rows) => expect(rowsOf(query)).toBe(rows));
});

const prefixes: readonly DatePrefix[] = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];
const moment = fc.integer({ min: Date.UTC(2025, 10, 1), max: Date.UTC(2026, 4, 1) });
const value: fc.Arbitrary<DateValue> = fc
  .tuple(fc.constantFrom(...prefixes), moment, fc.integer({ min: 0, max: 86_400_000 * 40 }))
  .map(([prefix, low, length]) => ({ prefix, low, high: low + length }));

/** As pointTest in SQL. */
function passes(at: number, { prefix, low, high }: DateValue): boolean {
  if (prefix === 'eq' || prefix === 'ap') return low <= at && at <= high;
  if (prefix === 'ne') return at < low || at > high;
  if (prefix === 'gt' || prefix === 'sa') return at > high;
  if (prefix === 'ge') return at >= low;
  return prefix === 'le' ? at <= high : at < low;
}

test('whatever passes all its tests lies in the months that are read', () => {
  fc.assert(
    fc.property(fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { maxLength: 3 }), moment, (lists, at) => {
      fc.pre(lists.every((values) => values.some((one) => passes(at, one))));
      const text = auditRows({ lastUpdated: lists.map((tests) => ({ kind: 'lastUpdated', tests })) });
      const [low] = /(?<=>= timestamptz ')[^']+/.exec(text) ?? [];
      const [high] = /(?<=< timestamptz ')[^']+/.exec(text) ?? [];
      if (low) expect(at).toBeGreaterThanOrEqual(Date.parse(low));
      if (high) expect(at).toBeLessThan(Date.parse(high));
    }),
    { seed: 20_261_121, numRuns: 2_000 },
  );
});
