// What sorts by numbers, quantities and codes read of a type with very many resources, and what :missing does, under every plan:
// https://hl7.org/fhir/R4/search.html#sort

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { walkMax } from '../../src/search/compile/walk-bounds.ts';
import { type CompiledSearch, compileSearch } from '../../src/search/compile-search.ts';
import { absentEnd, streamOf } from '../../src/search/ordered-values.ts';
import { type IndexedParameter, indexedParameters } from '../../src/search/search-parameters.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { definitions, parse } from './evaluate.ts';
import { tokensOfTenant } from './plan-data.ts';
import { readingIn } from './plan-reading.ts';
import type { PlanMode } from './plan-rows.ts';

const resources = 30_000;
/** One in so many meets the values of the middle group, and has no value. */
const share = 100;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    const numbers = `generate_series(0, ${resources - 1}) n`;
    const tokenOf = tokensOfTenant(tenants.a);
    const codes = { all: 'true', some: `n % ${share} = 1`, one: 'n = 7' };
    const texts = [
      ...Object.entries(codes).map(([code, test]) => [`Observation.code|${code}`, test]),
      ['Observation.subject:missing|true', `n % ${share} = 0`],
      ['Observation.performer:missing|false', 'n = 7'],
    ] as [string, string][];
    const tokens = texts.map(([text, test]) => `|| CASE WHEN ${test} THEN ${tokenOf(text)}::bigint END`);
    await client.query(
      `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
       SELECT $1::integer, type, md5(n::text), 1, '2020-01-01Z'::timestamptz + n * interval '1 s', false, '\\x00'::bytea,
         array_remove('{5}'::bigint[] ${tokens.join(' ')}, NULL)
       FROM ${numbers} CROSS JOIN unnest('{Observation,Appointment,RiskAssessment,MolecularSequence}'::text[]) type`,
      [tenants.a],
    );
    const insert = (type: string, parameter: string, test: string, value: string, codeText?: string) => {
      const { unit, absentUnit } = streamOf(parameterOf(type, parameter), codeText);
      return client.query(
        `INSERT INTO store.range_value (tenant_id, type, id, parameter, unit, low, high)
         SELECT $1::integer, $2, md5(n::text), $3, CASE WHEN low = '' THEN $5::bigint ELSE $4 END, low, low
         FROM (SELECT n, CASE WHEN n % ${share} = 0 THEN '${absentEnd}' ELSE ${value} END AS low FROM ${numbers} WHERE ${test}) v`,
        [tenants.a, type, parameter, tokenOf(unit).toString(), tokenOf(absentUnit).toString()],
      );
    };
    // From 1.00000 on, in the order of exact-number.ts.
    const number = `'22001' || (100000 + n * 7919 % ${resources})::text`;
    await insert('Observation', 'value-quantity', 'true', number);
    for (const [code, test] of Object.entries(codes))
      await insert('Observation', 'value-quantity', test, number, `|${code}`);
    await insert('RiskAssessment', 'probability', 'true', number);
    await insert('MolecularSequence', 'window-start', 'true', number);
    await insert('Appointment', 'status', 'true', "CASE WHEN n % 10 = 1 THEN 'booked' ELSE 'fulfilled' END");
    for (const table of ['resource', 'range_value']) await client.query(`VACUUM ANALYZE store.${table}`);
  });
}, 60_000);
afterAll(() => tenants?.close());

function parameterOf(type: string, code: string): IndexedParameter {
  return indexedParameters(definitions, type).get(code) as IndexedParameter;
}

/** What the middle group finds. */
const some = resources / share;
const modes: readonly PlanMode[] = ['auto', 'force_generic_plan'];
const pageSize = 20;
const readMax = 20 * pageSize + 1_000;

function compiled(type: string, query: string, place?: PagePlace): CompiledSearch {
  return compileSearch(parse(type, `${query}&_count=${pageSize}`), { tokenOf: tokensOfTenant(tenants.a), place });
}

async function idsOf(statement: SearchStatement): Promise<(string | null)[]> {
  const rows = await tenants.tenantDoor(
    tenants.a,
    (trx) => trx.query<{ id: string | null; overflow: boolean }>({ text: statement.text, values: statement.values }),
    'read',
  );
  expect(rows[0]?.overflow).toBe(false);
  return rows.flatMap(({ id }) => (id === null ? [] : [id]));
}

const at = (key: string, isBackward: boolean): PagePlace => ({ isBackward, position: { id: '8', keys: [key] } });

describe.each(modes)('with plans that are %s', (mode) => {
  test.each<[string, string, PagePlace | undefined]>([
    ['Observation', '_sort=value-quantity', undefined],
    ['Observation', '_sort=-value-quantity', undefined],
    ['Observation', '_sort=value-quantity', at('22001115', false)],
    ['Observation', '_sort=-value-quantity', at('22001115', true)],
    ['Observation', '_sort=value-quantity', at('~', false)],
    ['Observation', '_sort=-value-quantity', at('', false)],
    ['Observation', '_sort=value-quantity', { isBackward: true }],
    ['Observation', '_sort=-value-quantity', { isBackward: true }],
    ['Observation', 'code=all&_sort=-value-quantity', undefined],
    ['Observation', 'code=some&_sort=-value-quantity', undefined],
    ['Observation', 'code=some&_sort=value-quantity', { isBackward: true }],
    ['Observation', 'code=all&_sort=value-quantity', at('~', true)],
    ['RiskAssessment', '_sort=-probability', undefined],
    ['RiskAssessment', '_sort=probability', { isBackward: true }],
    ['Appointment', '_sort=status', undefined],
    ['Appointment', '_sort=-status', at('fulfilled', false)],
    ['Appointment', '_sort=status', at('fulfilled', true)],
  ])('a page of %s?%s at %j reads no more rows than a page may', async (type, query, place) => {
    const { statement } = compiled(type, query, place);
    expect((await idsOf(statement)).length).toBe(pageSize + 1);
    const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, statement);
    expect(sequential).toEqual([]);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(readMax);
  });

  test.each([
    ['code=none&_sort=-value-quantity', 0],
    ['code=one&_sort=-value-quantity', 1],
    ['code=one&_sort=value-quantity', 1],
  ])('%s finds %d, and reads hardly more', async (query, found) => {
    const { statement } = compiled('Observation', query);
    expect((await idsOf(statement)).length).toBe(found);
    const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, statement);
    expect(sequential).toEqual([]);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(10 * found + 4);
  });

  test.each([
    ['Observation', 'value-quantity:missing=true', some],
    ['Observation', 'value-quantity:missing=true&_sort=-value-quantity', some],
    ['Appointment', 'status:missing=true&_sort=status', some],
    ['RiskAssessment', 'probability:missing=true', some],
    ['RiskAssessment', 'probability:missing=true&_id=8', 0],
    ['Observation', 'subject:missing=true', some],
    ['Observation', 'performer:missing=false', 1],
    ['Observation', 'encounter:missing=false', 0],
  ])('%s?%s reads little more than the %i it finds', async (type, query, found) => {
    const { statement, countStatement } = compiled(type, query);
    expect((await idsOf(statement)).length).toBe(Math.min(found, pageSize + 1));
    for (const one of [statement, countStatement(1000)]) {
      const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, one);
      expect(sequential).toEqual([]);
      expect(rows + bitmapEntries).toBeLessThanOrEqual(9 * found + pageSize + 1);
    }
  });

  test.each([
    ['window-start=gt1.15&_sort=window-start', undefined],
    ['window-start=gt1.15&_sort=-window-start', { isBackward: true }],
    ['window-start=lt1.15&_sort=-window-start', undefined],
    ['window-start=ge1.15&window-start=lt1.2&_sort=window-start', undefined],
    ['window-start=ge1.15&window-start=lt1.2&_sort=-window-start', at('220011151', true)],
  ] as const)('MolecularSequence?%s at %j walks where the criteria can be met', async (query, place) => {
    const walk = (compiled('MolecularSequence', query, place).fallback as () => SearchStatement)();
    expect((await idsOf(walk)).length).toBe(pageSize + 1);
    const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, walk);
    expect(sequential).toEqual([]);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(readMax);
  });

  test.each([
    ['Observation', 'value-quantity:missing=false'],
    ['Observation', 'value-quantity:missing=false&_sort=value-quantity'],
    ['Appointment', 'status:missing=false&_sort=-status'],
    ['RiskAssessment', 'probability:missing=false'],
    ['Observation', 'subject:missing=false'],
    ['Observation', 'encounter:missing=true'],
    ['Observation', 'encounter:missing=true&_sort=-value-quantity'],
  ])('%s?%s, which nearly all meet, is found by a walk', async (type, query) => {
    const { statement, fallback } = compiled(type, query);
    const walk = fallback?.() ?? statement;
    expect((await idsOf(walk)).length).toBe(pageSize + 1);
    const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, walk);
    expect(sequential).toEqual([]);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(readMax);
  });
});

test('a walk that finds nothing within its bound says so', async () => {
  const statement = compiled(
    'Observation',
    '_lastUpdated=lt2000&_sort=-value-quantity',
  ).fallback?.() as SearchStatement;
  const [row] = await tenants.tenantDoor(
    tenants.a,
    (trx) => trx.query<{ overflow: boolean }>({ text: statement.text, values: statement.values }),
    'read',
  );
  expect(row?.overflow).toBe(true);
  expect((await readingIn(tenants, 'force_generic_plan', statement)).rows).toBeLessThanOrEqual(4 * walkMax);
});
