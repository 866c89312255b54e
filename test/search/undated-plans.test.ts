// What the end of a list by date reads, where those without one are, however many they are: https://hl7.org/fhir/R4/search.html#sort

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { walkMax } from '../../src/search/compile/walk-bounds.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';
import { parse } from './evaluate.ts';
import { tokensOfTenant } from './plan-data.ts';
import { readingIn } from './plan-reading.ts';
import type { PlanMode } from './plan-rows.ts';

const conditions = 60_000;
/** Which have no date: every other one, a few, and many that follow one another. */
const undated = {
  'onset-date': 'n % 2 = 0',
  'abatement-date': 'n IN (7, 30007, 50007)',
  'recorded-date': 'n BETWEEN 10000 AND 15999',
} as const;

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
  await withClient(tenants.url, async (client) => {
    const numbers = `generate_series(0, ${conditions - 1}) n`;
    const id = "'c' || lpad(n::text, 6, '0')";
    const moment = `'2020-01-01Z'::timestamptz + n * interval '1 s'`;
    const tokenOf = tokensOfTenant(tenants.a);
    const tokens = Object.entries(undated).map(([code, test]) => {
      return `|| CASE WHEN ${test} THEN ${tokenOf(`Condition.${code}|none`)}::bigint END`;
    });
    await client.query(
      `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
       SELECT $1::integer, 'Condition', ${id}, 1, ${moment}, false, '\\x00'::bytea,
         array_remove('{5}'::bigint[] ${tokens.join(' ')}, NULL) FROM ${numbers}`,
      [tenants.a],
    );
    for (const [code, test] of Object.entries(undated)) {
      await client.query(
        `INSERT INTO store.date_value (tenant_id, type, id, parameter, low, high)
         SELECT $1::integer, 'Condition', ${id}, $2, ${moment}, ${moment} FROM ${numbers} WHERE NOT (${test})`,
        [tenants.a, code],
      );
    }
    for (const table of ['resource', 'date_value']) await client.query(`VACUUM ANALYZE store.${table}`);
  });
}, 60_000);
afterAll(() => tenants?.close());

function statementOf(query: string, place: PagePlace): SearchStatement {
  return compileSearch(parse('Condition', `${query}&_count=20`), { tokenOf: tokensOfTenant(tenants.a), place })
    .statement;
}

async function find(statement: SearchStatement) {
  const { text, values } = statement;
  const rows = await tenants.tenantDoor(
    tenants.a,
    (trx) => trx.query<{ id: string | null; overflow: boolean }>({ text, values }),
    'read',
  );
  return { ids: rows.flatMap(({ id }) => (id === null ? [] : [id])), overflow: rows[0]?.overflow };
}

const idAt = (n: number) => `c${String(n).padStart(6, '0')}`;
const list = (first: number, step: number) => Array.from({ length: 21 }, (_, place) => idAt(first + step * place));
const behind = (key: string, id = ''): PagePlace => ({ isBackward: false, position: { id, keys: [key] } });
const before = (key: string, id: string): PagePlace => ({ isBackward: true, position: { id, keys: [key] } });
const readMax = 20 * 20 + 1_000;

describe.each<PlanMode>(['auto', 'force_generic_plan'])('with plans that are %s', (mode) => {
  test.each<[string, PagePlace, string[], number]>([
    ['_sort=onset-date', behind('infinity'), list(0, 2), readMax],
    ['_sort=onset-date', behind('infinity', idAt(30_000)), list(30_002, 2), readMax],
    ['_sort=-onset-date', behind('-infinity', idAt(30_000)), list(29_998, -2), readMax],
    ['_sort=onset-date', { isBackward: true }, list(conditions - 2, -2), readMax],
    ['_sort=onset-date', before('infinity', idAt(30_000)), list(29_998, -2), readMax],
    ['_sort=abatement-date', behind('infinity'), [idAt(7), idAt(30_007), idAt(50_007)], readMax],
    ['_sort=recorded-date', behind('infinity', idAt(12_000)), list(12_001, 1), readMax],
    // Too many to be gathered, and none near: a walk finds them; a type of three such walks the planner may read whole.
    ['_sort=recorded-date', behind('infinity'), list(10_000, 1), 3 * conditions],
  ])('%s at %j finds those that follow', async (query, place, expected, most) => {
    const statement = statementOf(query, place);
    expect(await find(statement)).toEqual({ ids: expected, overflow: false });
    const { rows, bitmapEntries, sequential } = await readingIn(tenants, mode, statement);
    expect(sequential).toEqual([]);
    expect(rows + bitmapEntries).toBeLessThanOrEqual(most);
  });
});

test('those that lie behind the bound of a walk are too costly', async () => {
  const { overflow } = await find(statementOf('_sort=-recorded-date', behind('-infinity', idAt(conditions))));
  expect(conditions - 16_000).toBeGreaterThan(walkMax);
  expect(overflow).toBe(true);
});
