// A search for everything in a compartment: https://hl7.org/fhir/R4/http.html#vsearch

import { describe, expect, test } from '@jest/globals';
import { type CompartmentQuery, parseCompartmentSearch } from '../../src/search/compartment-query.ts';
import { runCompartmentSearch } from '../../src/search/compartment-search.ts';
import { memberCountStatement, memberStatement } from '../../src/search/compile/members.ts';
import type { SearchRow } from '../../src/search/compile/select-page.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import type { Handling } from '../../src/search/parse/search-notes.ts';
import { searchPath } from '../../src/search/search-query.ts';
import { baseUrl, definitions, now } from './evaluate.ts';

const parseAll = (query: string, handling: Handling = 'strict', id = 'mine'): CompartmentQuery =>
  parseCompartmentSearch(definitions, { type: 'Patient', id }, new URLSearchParams(query), { handling, baseUrl, now });
const typesOf = ({ members }: CompartmentQuery) => members.map(({ type }) => type);

describe('the parameters', () => {
  test('without any are all types, in their order, but AuditEvent, which is asked for alone', () => {
    const query = parseAll('');
    expect(query.members).toHaveLength(65);
    expect(typesOf(query)).toEqual([...typesOf(query)].sort());
    expect(typesOf(query)).not.toContain('AuditEvent');
    expect(query.members).toContainEqual({ type: 'Observation', parameters: ['subject', 'performer'] });
    expect(query).toMatchObject({ count: 20, total: 'estimate', summary: 'false', understood: [], warnings: [] });
    expect(searchPath(query)).toBe('Patient/mine/*');
  });

  test('_type narrows, and is told in the links and to cursors', () => {
    const query = parseAll('_count=5&_type=Patient,Observation,Observation&_summary=true&_total=none&_elements=id');
    expect(typesOf(query)).toEqual(['Observation', 'Patient']);
    expect(query).toMatchObject({ count: 5, summary: 'true', total: 'none', elements: ['id'] });
    expect(query.understood).toContainEqual(['_type', 'Patient,Observation,Observation']);
  });

  test.each([
    '_type=Organization',
    '_type=AuditEvent',
    '_type=Nothing',
    '_type=observation',
    '_type=Observation,',
    `_type=${'Observation,'.repeat(10_000)}Observation`,
    '_count=x',
    '_lastUpdated=soon',
    `_lastUpdated=${'2026,'.repeat(500)}2026`,
    '_summary=some',
    Array.from({ length: 101 }, () => '_sort=_id').join('&'),
  ])('%.40s is 400 in both modes, for ignoring it would widen the answer', (query) => {
    expect(() => parseAll(query, 'lenient')).toThrow(expect.objectContaining({ status: 400 }));
    expect(() => parseAll(query, 'strict')).toThrow(expect.objectContaining({ status: 400 }));
  });

  test.each([
    'code=x',
    'status=final',
    '_id=a',
    '_sort=_id',
    '_include=*',
    '_type=',
    '_lastUpdated:x=2026',
    '_has:x:y=z',
  ])('%s is refused under handling=strict and a warning without (search.html#errors)', (query) => {
    expect(() => parseAll(query)).toThrow(expect.objectContaining({ status: 400 }));
    const { warnings, understood, criteria, includes } = parseAll(query, 'lenient');
    expect(warnings).toEqual([expect.objectContaining({ severity: 'warning', code: 'not-supported' })]);
    expect([...understood, ...criteria, ...includes]).toEqual([]);
  });

  test('_lastUpdated is a condition of its own', () => {
    const { criteria, understood } = parseAll('_lastUpdated=ge2026&_lastUpdated=lt2027');
    expect(criteria.map(({ kind }) => kind)).toEqual(['lastUpdated', 'lastUpdated']);
    expect(understood).toHaveLength(2);
  });

  test('_type counts once', () => {
    const { warnings, understood } = parseAll('_type=Observation&_type=Patient', 'lenient');
    expect(warnings).toHaveLength(1);
    expect(understood).toEqual([['_type', 'Observation']]);
  });
});

describe('the statements', () => {
  const statements = (query: string, id?: string): SearchStatement[] => {
    const parsed = parseAll(query, 'strict', id);
    return [
      memberStatement(parsed, undefined),
      memberStatement(parsed, { type: 'Encounter', id: 'e' }),
      memberCountStatement(parsed, 10),
    ];
  };
  const textsOf = (query: string, id?: string) => statements(query, id).map(({ text }) => text);

  test('have one text whatever is asked, with nothing a client sent', () => {
    const texts = textsOf('_type=Observation', 'zqxjk');
    expect(texts).toEqual(textsOf('_count=500'));
    expect(texts[0]).toBe(texts[1]);
    for (const text of texts) expect(text).not.toMatch(/zqxjk|Observation|tenant/);
  });

  test('have every placeholder they have values for', () => {
    for (const { text, values } of [
      ...statements(''),
      ...statements('_lastUpdated=ge2026,lt2020&_lastUpdated=ne2021'),
    ]) {
      expect(new Set(text.match(/\$\d+/g))).toEqual(new Set(values.map((_, index) => `$${index + 1}`)));
    }
  });

  test('go on behind a position: earlier types are left out, its own type from its id', () => {
    const query = parseAll('_type=Condition,Encounter,Observation');
    const { values } = memberStatement(query, { type: 'Encounter', id: 'e' });
    expect(values.filter(Array.isArray)).toEqual([
      ['Encounter', 'Observation', 'Observation'],
      ['subject', 'subject', 'performer'],
      ['e', '', ''],
    ]);
  });

  test('go back from a position likewise: later types are left out', () => {
    const query = parseAll('_type=Condition,Encounter,Observation');
    const { values } = memberStatement(query, { type: 'Encounter', id: 'e' }, true);
    expect(values.filter(Array.isArray)).toEqual([
      ['Condition', 'Condition', 'Encounter'],
      ['subject', 'asserter', 'subject'],
      ['~', '~', 'e'],
    ]);
  });
});

describe('a page', () => {
  const row = (type: string, id: string) => ({ mode: 'match', type, id }) as SearchRow;
  const scripted = (...answers: unknown[][]) => {
    let sent = 0;
    return <Row>(): Promise<Row[]> => {
      const answer = answers[sent++];
      return answer ? Promise.resolve(answer as Row[]) : Promise.reject(new Error('One statement too many.'));
    };
  };
  const full = [row('Condition', 'a'), row('Encounter', 'b')];

  test('that is the only one counts itself', async () => {
    expect(await runCompartmentSearch(parseAll(''), scripted(full))).toEqual({ matches: full, includes: [], total: 2 });
  });

  test('ends before the row that only shows that there is more', async () => {
    const page = await runCompartmentSearch(parseAll('_count=1'), scripted(full, [{ overflow: false, total: 7 }]));
    const next = { isBackward: false, position: { id: 'Condition/a', keys: [] } };
    expect(page).toEqual({ matches: [full[0]], includes: [], next, last: { isBackward: true }, total: 7 });
  });

  test('that is read backward has its rows in their order, and the way on both sides', async () => {
    const place = { isBackward: true, position: { id: 'Observation/c', keys: [] } };
    const rows = [row('Observation', 'b'), row('Encounter', 'b'), row('Condition', 'a')];
    const page = await runCompartmentSearch(parseAll('_count=2&_total=none'), scripted(rows), place);
    expect(page.matches).toEqual([rows[1], rows[0]]);
    expect(page.previous).toEqual({ isBackward: true, position: { id: 'Encounter/b', keys: [] } });
    expect(page.next).toEqual({ isBackward: false, position: { id: 'Observation/b', keys: [] } });
  });

  test('that is empty has no next and a total of none', async () => {
    const page = await runCompartmentSearch(parseAll(''), scripted([{ overflow: false, mode: null }]));
    expect(page).toEqual({ matches: [], includes: [], total: 0 });
  });

  test('for which too much would have to be looked at is too costly', async () => {
    const blank = { overflow: true, mode: null };
    await expect(runCompartmentSearch(parseAll('_lastUpdated=ge2026'), scripted([blank]))).rejects.toMatchObject({
      status: 400,
      issues: [{ code: 'too-costly', diagnostics: expect.stringContaining('_type') }],
    });
  });

  test('has no total where there are too many for an estimate, or none is wanted', async () => {
    const counted = [{ overflow: true, total: 5001 }];
    expect(await runCompartmentSearch(parseAll('_count=1'), scripted(full, counted))).not.toHaveProperty('total');
    expect(await runCompartmentSearch(parseAll('_count=1&_total=none'), scripted(full))).not.toHaveProperty('total');
  });

  test.each(['_count=1&_total=accurate', '_summary=count'])('with %s is exact or too costly', async (query) => {
    const answers = (count: object) => (query === '_summary=count' ? scripted([count]) : scripted(full, [count]));
    const exact = await runCompartmentSearch(parseAll(query), answers({ overflow: false, total: 150_000 }));
    expect(exact.total).toBe(150_000);
    await expect(
      runCompartmentSearch(parseAll(query), answers({ overflow: true, total: 200_001 })),
    ).rejects.toMatchObject({ status: 400, issues: [{ code: 'too-costly' }] });
  });
});
