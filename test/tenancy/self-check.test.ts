// The server looks before it serves: a wall that is gone stops it or is named, and searches use their index behind the walls.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createPool } from '../../src/database/pool.ts';
import { checkDatabase } from '../../src/database/self-check.ts';
import { createSystemDoor } from '../../src/database/system-transaction.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { testRootKey, withClient } from '../support/database.ts';
import { makeTwoTenants, type TwoTenants } from './two-tenants.ts';

let tenants: TwoTenants;

const change = (text: string) => withClient(tenants.url, (client) => client.query(text));

async function check() {
  const onIdleError = () => undefined;
  const options = { databaseUrl: tenants.url, rootKey: testRootKey, connectionsMax: 1, waitingMax: 10, onIdleError };
  const pool = createPool({ ...options, role: 'hpms_system' });
  try {
    return await checkDatabase(tenants.tenantDoor, createSystemDoor(pool));
  } finally {
    await pool.end();
  }
}

describe('the self-check at start (architecture.md, Tenancy)', () => {
  beforeEach(async () => {
    tenants = await makeTwoTenants();
  });
  afterEach(() => tenants.close());

  test('has nothing to say about a migrated database', async () => {
    expect(await check()).toEqual({ refusals: [], missingWalls: [] });
  });

  test.each([
    [
      'a table of tenants without row security',
      'CREATE TABLE store.naked (tenant_id int)',
      /no row-level security: naked/,
    ],
    [
      'row security switched off',
      'ALTER TABLE store.resource DISABLE ROW LEVEL SECURITY',
      /no row-level security: resource/,
    ],
    ['a right on a table itself', 'GRANT INSERT ON store.resource TO hpms_app', /beside the views: resource/],
    ['a right of the system role', 'GRANT TRUNCATE ON store.outbox TO hpms_system', /beside the views: outbox/],
    [
      'a table of its own',
      'CREATE TABLE public.mine (x int); ALTER TABLE public.mine OWNER TO hpms_app',
      /owns objects: mine/,
    ],
  ])('refuses to start over %s', async (_, text, reason) => {
    await change(text);
    expect((await check()).refusals.join('; ')).toMatch(reason);
  });

  test.each([
    [
      'row security that is not forced',
      'ALTER TABLE store.resource NO FORCE ROW LEVEL SECURITY',
      /not forced.*1 tables/,
    ],
    [
      'an operator that is not leakproof',
      'ALTER FUNCTION pg_catalog.arrayoverlap(anyarray, anyarray) NOT LEAKPROOF',
      /arrayoverlap/,
    ],
  ])('names %s, for not every server lets one raise that wall', async (_, text, wall) => {
    await change(text);
    const { refusals, missingWalls } = await check();
    expect(refusals).toEqual([]);
    expect(missingWalls.join('; ')).toMatch(wall);
  });
});

describe('behind both walls', () => {
  /** Enough for the planner to prefer an index, with tokens that each few have. */
  beforeAll(async () => {
    tenants = await makeTwoTenants();
    await change(`
      INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, tokens)
      SELECT ${tenants.a}, 'Patient', n, 1, now(), false, ARRAY[n, n + 1, n + 2]::bigint[] FROM generate_series(1, 10000) AS n`);
    await change('ANALYZE store.resource');
  });
  afterAll(() => tenants.close());

  /** The conditions the token index is asked for, as the planner tells the tenant door. */
  async function indexConditions(query: string): Promise<string[]> {
    const search = new URLSearchParams(query);
    const parsed = parseSearch(loadDefinitions(), 'Patient', search, { handling: 'strict', now: 0 });
    const { statement } = compileSearch(parsed, { tokenOf: (text) => BigInt(text.length) });
    return await tenants.tenantDoor(tenants.a, async (trx) => {
      const explain = { text: `EXPLAIN (FORMAT JSON) ${statement.text}`, values: statement.values };
      const plan = JSON.stringify(await trx.query(explain));
      return [...plan.matchAll(/"Index Name":"resource_tokens"[^}]*?"Index Cond":"([^"]*)"/g)].map(
        ([, cond = '']) => cond,
      );
    });
  }

  test.each([
    'identifier=http://example.org|1',
    'identifier=1,2',
    'family=mus',
    'general-practitioner=Practitioner/1',
    'birthdate=1980-02',
    'gender=female&family=mus',
  ])('%s is an index condition on the tokens (security.md 1.5)', async (query) => {
    const conditions = await indexConditions(query);
    expect(conditions.length).toBeGreaterThan(0);
    for (const condition of conditions) expect(condition).toMatch(/tokens (@>|&&)/);
  });

  test('it would be none if the operators were not leakproof', async () => {
    await change('ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) NOT LEAKPROOF');
    await change('ALTER FUNCTION pg_catalog.arrayoverlap(anyarray, anyarray) NOT LEAKPROOF');
    expect(await indexConditions('identifier=http://example.org|1')).toEqual([]);
  });
});
