// Search statements: one text per shape, and nothing a client sent is part of it.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import type { SearchQuery } from '../../src/search/search-query.ts';
import { parse, queryOf } from './evaluate.ts';

const tokenOf = (text: string): bigint => BigInt(text.length) * 7n - 3n;

function textsOf(query: SearchQuery): string[] {
  return placesIn(query).flatMap((place) => statementsOf(query, place).map(({ text }) => text));
}

/** The first page, the last, and one behind and one before a place. */
function placesIn({ sort }: SearchQuery): (PagePlace | undefined)[] {
  const position = { id: 'x', keys: sort.filter(({ by }) => by !== 'id').map(() => '2026-11-20T10:00:00.000Z') };
  return [undefined, { isBackward: true }, { isBackward: false, position }, { isBackward: true, position }];
}

function statementsOf(query: SearchQuery, place: PagePlace | undefined): SearchStatement[] {
  const { statement, fallback, countStatement, estimateStatement } = compileSearch(query, { tokenOf, place });
  return [statement, ...(fallback ? [fallback()] : []), countStatement(1000), estimateStatement(1000)];
}

describe('the text of a statement', () => {
  test.each([
    ['Patient', 'identifier=urn:mrn|1', 'identifier=urn:other|2'],
    ['Patient', 'family=muster&given=eva', 'family=b&gender=male'],
    ['Appointment', 'date=ge2026-01-01&date=lt2026-07-01', 'date=ge2020-05-05&date=lt2021-06-06T10:00:00Z'],
    [
      'Appointment',
      'patient=1&_include=Appointment:patient',
      'actor=Practitioner/2&_include=*&_include=Appointment:location',
    ],
    ['Observation', 'code=a,b&_sort=-date&_count=5', 'status=c,d,e&_sort=-date&_count=50'],
    ['Patient', '_id=a', '_id=b,c,d'],
    ['Patient', '_lastUpdated=ge2026', '_lastUpdated=ge2020-05'],
  ])('of %s is the same for %s and %s', (type, one, other) => {
    expect(textsOf(parse(type, one))).toEqual(textsOf(parse(type, other)));
  });

  test('holds nothing of what a client sent', () => {
    const canary = 'zqxjk';
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('family', 'given:exact', 'identifier', 'general-practitioner:identifier', '_tag', '_profile'),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        fc.constantFrom(canary, `'${canary}`, `${canary}';--`, `$1${canary}`, `{${canary}}`, `"${canary}`),
        fc.constantFrom('', '&_sort=-_lastUpdated', '&_include=Patient:link', '&_id=zqxjk', '&birthdate=1980'),
        (names, value, rest) => {
          const query = parse('Patient', queryOf(...names.map((name): [string, string] => [name, value])) + rest);
          for (const text of textsOf(query)) expect(text).not.toMatch(/zqxjk|general-practitioner|1980/);
        },
      ),
      { seed: 20_261_120, numRuns: 300 },
    );
  });

  test.each([
    ['Patient', 'family=a,b c&birthdate=1980&_sort=-_lastUpdated&_include=*'],
    ['Patient', '_lastUpdated=ge2026'],
    ['Patient', ''],
    ['Encounter', 'date=lt2026&_sort=-date'],
    ['Encounter', 'date=ge2026&date=lt2027&_sort=_id'],
    ['Encounter', 'location-period=ge2026,ne2020&_sort=location-period'],
    ['Encounter', '_sort=-date'],
    ['AuditEvent', 'date=ge2026&patient=1'],
    ['Patient', '_revinclude=*&_revinclude=Observation:*&_revinclude=Encounter:patient&_include:iterate=Patient:link'],
  ])('of %s?%s has every placeholder it has values for', (type, query) => {
    const parsed = parse(type, query);
    for (const { text, values } of placesIn(parsed).flatMap((place) => statementsOf(parsed, place))) {
      expect(new Set(text.match(/\$\d+/g))).toEqual(new Set(values.map((_, index) => `$${index + 1}`)));
    }
  });
});

describe('the shape', () => {
  test('required tokens are one array, alternatives an overlap each', () => {
    const { statement } = compileSearch(parse('Patient', 'family=a&gender=male&identifier=x,y'), { tokenOf });
    expect(statement.text.match(/@>/g)).toHaveLength(1);
    expect(new Set(statement.text.match(/&& \$\d+/g)).size).toBe(2);
  });

  test('a search by tokens gathers candidates first and walks only when there are too many', () => {
    const { statement, fallback } = compileSearch(parse('Patient', 'gender=male&_sort=_lastUpdated'), { tokenOf });
    expect(statement.text).toMatch(/^WITH anchor AS MATERIALIZED/);
    expect(fallback?.().text).toMatch(/^WITH page AS MATERIALIZED/);
  });

  test('a search for nothing in particular walks in its order', () => {
    const { statement, fallback } = compileSearch(parse('Patient', '_sort=-_lastUpdated'), { tokenOf });
    expect(statement.text).toMatch(/^WITH page AS MATERIALIZED/);
    expect(fallback).toBeUndefined();
  });

  test('a search by date in the order of that date walks along it', () => {
    const { statement } = compileSearch(parse('Appointment', 'date=ge2026-11-20'), { tokenOf });
    expect(statement.text).toMatch(/^WITH dated AS MATERIALIZED/);
  });

  test('an order that no index has takes candidates only', () => {
    const { fallback } = compileSearch(parse('Observation', 'code=a&_sort=date,-_lastUpdated'), { tokenOf });
    expect(fallback).toBeUndefined();
  });

  test('AuditEvents are searched in their own view, by their time', () => {
    const query = parse('AuditEvent', 'entity=Patient/1&date=ge2026-11-20&_sort=-date');
    for (const text of textsOf(query)) {
      expect(text).toMatch(/FROM \(SELECT \* FROM audit_event WHERE last_updated >= timestamptz '2026-11-\d\dT/);
      expect(text).not.toMatch(/(?<!\* )FROM audit_event/);
      expect(text).not.toMatch(/FROM resource|date_value|\.deleted/);
    }
  });

  test('no statement names a tenant', () => {
    for (const text of textsOf(parse('Appointment', 'date=2026-11-20&_include=*'))) expect(text).not.toMatch(/tenant/);
  });
});
