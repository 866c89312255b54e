// Statements of searches over links: one text per shape, nothing of a client in it, and each link in a tenant's own views.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileSearch } from '../../src/search/compile-search.ts';
import { decidingTexts } from '../../src/search/match-tokens.ts';
import { runSearch } from '../../src/search/run-search.ts';
import type { SearchQuery } from '../../src/search/search-query.ts';
import { parse, queryOf } from './evaluate.ts';

const tokenOf = (text: string): bigint => BigInt(text.length) * 7n - 3n;

function statementsOf(query: SearchQuery) {
  const compiled = compileSearch(query, { tokenOf });
  const { statement, fallback, countStatement, estimateStatement } = compiled;
  return [statement, ...(fallback ? [fallback()] : []), countStatement(1000), estimateStatement(1000)];
}

const textsOf = (query: SearchQuery) => statementsOf(query).map(({ text }) => text);

const searches = [
  ['Observation', 'patient.identifier=a'],
  ['Observation', 'subject.identifier=a&status=final&_sort=-_lastUpdated'],
  ['Observation', 'patient.organization.name=a&date=ge2026'],
  ['Patient', '_has:Observation:patient:_has:Provenance:target:recorded=ge2026'],
  ['Patient', '_has:Encounter:patient:date=ge2026&_id=a'],
  ['Patient', '_list=a&gender:not=male'],
  ['Patient', '_filter=identifier eq a or not(organization.identifier eq b) and _lastUpdated gt 2020'],
  ['Observation', 'patient.birthdate=ge1980&date:missing=false'],
] as const;

test.each(searches)('%s?%s has every placeholder it has values for, and names no tenant', (type, query) => {
  for (const { text, values } of statementsOf(parse(type, query))) {
    expect(new Set(text.match(/\$\d+/g))).toEqual(new Set(values.map((_, index) => `$${index + 1}`)));
    expect(text).not.toMatch(/tenant/);
  }
});

test.each([
  ['Observation', 'patient.identifier=a', 'patient.identifier=x|b'],
  ['Observation', 'subject:Patient.family=a', 'subject:Patient.given=b'],
  ['Patient', '_has:Observation:patient:code=a', '_has:Encounter:subject:status=b'],
  ['Patient', '_list=a', '_list=b,c'],
  ['Patient', '_filter=gender eq a or active eq b', '_filter=identifier eq "c d" or phone eq 1'],
])('of %s the text is the same for %s and %s', (type, one, other) => {
  expect(textsOf(parse(type, one))).toEqual(textsOf(parse(type, other)));
});

test('holds nothing of what a client sent', () => {
  const names = [
    'organization.name:exact',
    'general-practitioner:Practitioner.identifier',
    '_has:Observation:patient:code',
    '_has:Observation:subject:performer:Practitioner.family:exact',
    'identifier:not',
  ];
  const values = ['zqxjk', "'zqxjk", "zqxjk';--", '$1zqxjk', '{zqxjk}', '"zqxjk'];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...values),
      (chosen, value) => {
        const pairs = chosen.map((name): [string, string] => [name, value]);
        const filter: [string, string] = [
          '_filter',
          `organization.identifier eq ${JSON.stringify(value)} or gender eq zqxjk`,
        ];
        for (const text of textsOf(parse('Patient', queryOf(...pairs, filter)))) {
          expect(text).not.toMatch(/zqxjk|organization|performer|Observation|Practitioner/);
        }
      },
    ),
    { seed: 20_261_120, numRuns: 200 },
  );
});

describe('the shape', () => {
  test('a chain alone starts from what it leads to, and walks only where that is too much', () => {
    const { statement, fallback } = compileSearch(parse('Observation', 'patient.identifier=a'), { tokenOf });
    expect(statement.text).toMatch(/^WITH set1 AS MATERIALIZED/);
    expect(fallback?.().text).toMatch(/^WITH page AS MATERIALIZED/);
  });

  test('a negation has nothing to start from and walks', () => {
    const { statement } = compileSearch(parse('Patient', 'gender:not=male'), { tokenOf });
    expect(statement.text).toMatch(/^WITH page AS MATERIALIZED[\s\S]*NOT \(/);
  });

  test('AuditEvents are filtered in their own view', () => {
    for (const text of textsOf(parse('AuditEvent', '_filter=action eq R or outcome eq 8'))) {
      expect(text).toMatch(/FROM audit_event r/);
      expect(text).not.toMatch(/FROM resource|FROM reference|\.deleted/);
    }
  });

  test('no lookup by tokens alone decides a link or a negation', () => {
    for (const query of ['organization.identifier=a', 'identifier:not=a', 'name:missing=false', '_id:missing=false']) {
      expect(decidingTexts(parse('Patient', query))).toBeUndefined();
    }
  });
});

describe('what needs a look at the resource inside a link', () => {
  const query = parse('Observation', 'patient.family=christopherson');

  test('is not compiled as if the index told it', () => {
    expect(() => compileSearch(query, { tokenOf })).toThrow(/not settled/);
  });

  test('is looked for first, and its ids put in its place', async () => {
    const sent: string[] = [];
    const rows = [
      ['p1', 'Christopherson'],
      ['p2', 'Christophers'],
    ].map(([id]) => ({ overflow: false, matched: 2, mode: 'match', type: 'Patient', id }));
    const { matches } = await runSearch(query, {
      tokenOf,
      send: <Row>(statement: { text: string; values: readonly unknown[] }) => {
        sent.push(JSON.stringify(statement.values));
        return Promise.resolve((sent.length === 1 ? rows : [{ overflow: false, matched: 0, mode: null }]) as Row[]);
      },
      open: ({ id }) =>
        Promise.resolve({
          resourceType: 'Patient',
          id,
          name: [{ family: id === 'p1' ? 'Christopherson' : 'Christophers' }],
        }),
    });
    expect(matches).toEqual([]);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toContain('["p1"]');
    expect(sent[1]).not.toContain('p2');
  });

  test('is too costly when it is met by more than a thousand', async () => {
    const rows = Array.from({ length: 1001 }, (_, n) => ({
      overflow: false,
      matched: 1,
      mode: 'match',
      type: 'Patient',
      id: `p${n}`,
    }));
    const search = runSearch(query, {
      tokenOf,
      send: <Row>() => Promise.resolve(rows as Row[]),
      open: ({ id }) => Promise.resolve({ resourceType: 'Patient', id, name: [{ family: 'Christopherson' }] }),
    });
    await expect(search).rejects.toMatchObject({ status: 400, issues: [{ code: 'too-costly' }] });
    await expect(search).rejects.toThrow('"family"');
  });
});
