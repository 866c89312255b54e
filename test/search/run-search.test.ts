// A search stays within its bounds: walks when candidates are too many, rechecks what the index finds too much of, counts.

import { describe, expect, test } from '@jest/globals';
import type { Patient } from '@medplum/fhirtypes';
import type { SearchRow } from '../../src/search/compile/select-page.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { runSearch } from '../../src/search/run-search.ts';
import { parse } from './evaluate.ts';

const blank = { overflow: false, matched: null, mode: null } as unknown as SearchRow;

function row(id: string, more: Partial<SearchRow> = {}): SearchRow {
  return { ...blank, mode: 'match', type: 'Patient', id, ...more };
}

/** Answers statements in their order, and remembers them. */
function scripted(...answers: unknown[][]) {
  const sent: SearchStatement[] = [];
  const send = <Row>(statement: SearchStatement): Promise<Row[]> => {
    // Nothing is known to be common.
    if (statement.name === 'token-sample') return Promise.resolve([]);
    const answer = answers[sent.push(statement) - 1];
    return answer ? Promise.resolve(answer as Row[]) : Promise.reject(new Error('One statement too many.'));
  };
  const open = ({ id }: SearchRow): Promise<Patient> =>
    Promise.resolve({
      resourceType: 'Patient',
      name: [{ family: id.startsWith('no') ? 'Maximilianus' : 'Maximiliana' }],
    });
  return { sent, access: { send, open, tokenOf: () => 1n } };
}

describe('a page', () => {
  test('ends before the row that only shows that there is more', async () => {
    const { access } = scripted([row('a', { matched: 3 }), row('b', { matched: 3 })]);
    const page = await runSearch(parse('Patient', 'name=m&_count=1'), access);
    expect(page).toMatchObject({
      matches: [{ id: 'a' }],
      next: { isBackward: false, position: { id: 'a', keys: [] } },
      total: 3,
    });
  });

  test('carries the sort keys to the next one, a missing date as infinity', async () => {
    const rows = [row('a', { k1: Number.POSITIVE_INFINITY }), row('b')];
    const { access } = scripted(rows, [{ total: 7, is_whole: true }]);
    const page = await runSearch(parse('Observation', '_sort=date&_count=1'), access);
    expect(page.next?.position).toEqual({ id: 'a', keys: ['infinity'] });
  });

  test('that is empty has no next and a total of none', async () => {
    const { access } = scripted([{ ...blank, matched: 0 }]);
    expect(await runSearch(parse('Patient', 'name=m'), access)).toEqual({ matches: [], includes: [], total: 0 });
  });
});

describe('too many candidates', () => {
  test('are walked in the order of the search', async () => {
    const { access, sent } = scripted(
      [{ ...blank, overflow: true }],
      [row('a'), row('b')],
      [{ total: 1001, is_whole: true }],
    );
    const page = await runSearch(parse('Patient', 'gender=male&_count=1'), access);
    expect(page.matches).toHaveLength(1);
    expect(page).toMatchObject({ total: 1001, isEstimate: true });
    expect(sent).toHaveLength(3);
  });

  test.each([
    ['when the walk finds too little', 'gender=male', [[{ ...blank, overflow: true }], [{ ...blank, overflow: true }]]],
    ['when no index has the order', 'status=final&_sort=date,_lastUpdated', [[{ ...blank, overflow: true }]]],
  ])('are too costly %s', async (_, query, answers) => {
    const { access } = scripted(...answers);
    const type = query.startsWith('status') ? 'Observation' : 'Patient';
    await expect(runSearch(parse(type, query), access)).rejects.toMatchObject({
      status: 400,
      issues: [{ code: 'too-costly' }],
    });
  });
});

describe('a search that the index cannot decide', () => {
  const batch = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index) => row(`${prefix}${index}`));

  test('leaves out candidates that fail, and takes further ones until the page is full', async () => {
    const { access, sent } = scripted(batch('no', 201), [row('yes1'), row('no'), row('yes2')]);
    const page = await runSearch(parse('Patient', 'family=maximiliana&_count=1'), access);
    expect(page.matches.map(({ id }) => id)).toEqual(['yes1']);
    expect(page.next?.position).toEqual({ id: 'yes1', keys: [] });
    expect(sent[1]?.values).toContain('no199');
    // All candidates were looked at on the way.
    expect(page).toMatchObject({ total: 2 });
    expect(page).not.toHaveProperty('isEstimate');
  });

  test('has an exact total where so few are candidates that all can be looked at, and an estimate beyond', async () => {
    const found = [batch('yes', 201), [{ total: 1000, is_whole: true }], batch('yes', 700)];
    const query = parse('Patient', 'family=maximiliana&_count=1');
    const exact = await runSearch(query, scripted(...found).access);
    expect(exact).toMatchObject({ total: 700 });
    expect(exact).not.toHaveProperty('isEstimate');
    const estimated = scripted(batch('yes', 201), [{ total: 1001, is_whole: true }]);
    expect(await runSearch(query, estimated.access)).toMatchObject({ total: 1001, isEstimate: true });
  });

  test('looks at all candidates of one statement where they are few, and has page and total of them', async () => {
    const few = batch('yes', 390).map((one) => ({ ...one, matched: 390 }));
    const { access, sent } = scripted(few);
    const page = await runSearch(parse('Patient', 'family=maximiliana&_count=20'), access);
    expect(page).toMatchObject({ total: 390, next: { position: { id: 'yes19' } } });
    expect([page.matches.length, sent.length]).toEqual([20, 1]);
    expect(sent[0]?.text).toMatch(/LIMIT CASE WHEN .* <= 1000 THEN 1000 ELSE/);
    const uncounted = scripted(batch('yes', 201).map((one) => ({ ...one, matched: 390 })));
    await runSearch(parse('Patient', 'family=maximiliana&_count=20&_total=none'), uncounted.access);
    expect(uncounted.sent[0]?.text).not.toContain('LIMIT CASE');
  });

  test('asks for what is included only when it knows its matches', async () => {
    const { access, sent } = scripted([row('no1'), row('yes1')], [row('i2', { mode: 'include' })]);
    const page = await runSearch(parse('Patient', 'family=maximiliana&_include=*'), access);
    expect(page.includes.map(({ id }) => id)).toEqual(['i2']);
    expect(sent[1]?.values).toContainEqual(['yes1']);
    expect(sent.map(({ values }) => JSON.stringify(values)).join()).not.toContain('no1');
    expect(page.total).toBe(1);
  });

  test('counts what passes', async () => {
    const { access } = scripted([row('no1'), row('yes1'), row('yes2')]);
    expect(await runSearch(parse('Patient', 'family=maximiliana&_summary=count'), access)).toMatchObject({ total: 2 });
  });

  test('decrypts no more than 5000 candidates', async () => {
    const { access } = scripted(...Array.from({ length: 25 }, () => batch('no', 201)));
    await expect(runSearch(parse('Patient', 'family=maximiliana'), access)).rejects.toMatchObject({
      status: 400,
      issues: [{ code: 'too-costly', diagnostics: expect.stringContaining('"family"') }],
    });
  });
});

describe('the total', () => {
  const full = [row('a'), row('b')];

  test('is counted up to 1000 for an estimate, and marked beyond', async () => {
    const query = parse('Patient', 'gender=male&_count=1');
    const counted = (total: number, isWhole = true) => scripted(full, [{ total, is_whole: isWhole }]).access;
    expect(await runSearch(query, counted(1000))).toMatchObject({ total: 1000 });
    expect(await runSearch(query, counted(1000))).not.toHaveProperty('isEstimate');
    expect(await runSearch(query, counted(1001))).toMatchObject({ total: 1001, isEstimate: true });
    expect(await runSearch(query, counted(7, false))).toMatchObject({ total: 7, isEstimate: true });
    expect(await runSearch(query, counted(0, false))).toMatchObject({ total: 2, isEstimate: true });
  });

  test('is exact or too costly when it must be accurate', async () => {
    const query = parse('Patient', 'gender=male&_count=1&_total=accurate');
    expect((await runSearch(query, scripted(full, [{ total: 150_000 }]).access)).total).toBe(150_000);
    await expect(runSearch(query, scripted(full, [{ total: 200_001 }]).access)).rejects.toMatchObject({ status: 400 });
  });

  test('costs nothing when it is not wanted', async () => {
    const { access, sent } = scripted(full);
    expect((await runSearch(parse('Patient', '_count=1&_total=none'), access)).total).toBeUndefined();
    expect(sent).toHaveLength(1);
  });

  test('of a whole type is read from its counter, however large it is', async () => {
    const { access, sent } = scripted(full, [{ total: 3_650_000 }]);
    const page = await runSearch(parse('Patient', '_count=1'), access);
    expect(page.total).toBe(3_650_000);
    expect(page).not.toHaveProperty('isEstimate');
    expect(sent[1]?.text).toContain('type_count');
  });
});
