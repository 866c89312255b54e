// What processes of an earlier version write while those of this one are there already is indexed again once they are gone.

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { indexGeneration } from '../../src/database/index-generation.ts';
import { createReindexSweep } from '../../src/repository/reindex/sweep.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { withClient } from '../support/database.ts';
import { openTenantDatabase, type TenantDatabase } from '../tenants/tenant-database.ts';

let database: TenantDatabase;
let tenants: readonly number[];
beforeAll(async () => {
  database = await openTenantDatabase();
  const made = [await createTenant(database, { name: 'a' }), await createTenant(database, { name: 'b' })];
  tenants = made.map(({ tenantId }) => tenantId);
});
afterAll(() => database.close());
beforeEach(() =>
  withClient(database.url, async (client) => {
    await client.query('DELETE FROM store.reindex');
    await client.query('UPDATE store.search_index SET generation = $1', [indexGeneration]);
  }),
);

const columnOf = (text: string) =>
  withClient(database.url, async (client) => (await client.query({ text, rowMode: 'array' })).rows.flat());
const generations = () => columnOf('SELECT generation FROM store.search_index ORDER BY tenant_id');
const indexedAgain = () => columnOf('SELECT tenant_id FROM store.reindex ORDER BY 1');

let told = 0;
const sweep = () => createReindexSweep({ ...database, types: ['Patient'], onEarlier: () => (told += 1) })();

async function connect(name: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url, application_name: name });
  await client.connect();
  return client;
}

async function leave(client: pg.Client): Promise<void> {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  await client.end();
  // Its end is seen a moment later.
  for (let left = 1; left > 0; ) {
    [left] = await columnOf(`SELECT count(*)::integer FROM pg_stat_activity WHERE pid = ${rows[0].pid}`);
  }
}

test.each([
  ['one that does not tell its index', 'hpms_app', indexGeneration - 1],
  ['one of an earlier index', `hpms_system index ${indexGeneration - 3}`, indexGeneration - 3],
])('%s: all tenants, and not before it is gone', async (_, name, generation) => {
  const earlier = await connect(name);
  told = 0;
  await sweep();
  expect([await indexedAgain(), await generations(), told]).toEqual([[], [generation, generation], 1]);
  await leave(earlier);
  await sweep();
  expect([await indexedAgain(), told]).toEqual([tenants, 1]);
});

test('a tenant that was outdated before waits for it, too', async () => {
  await withClient(database.url, (client) =>
    client.query('UPDATE store.search_index SET generation = 2 WHERE tenant_id = $1', [tenants[0]]),
  );
  const earlier = await connect('hpms_queue');
  await sweep();
  expect([await indexedAgain(), await generations()]).toEqual([[], [2, indexGeneration - 1]]);
  await leave(earlier);
  await sweep();
  expect(await indexedAgain()).toEqual(tenants);
});

test.each([
  ['hpms_backup'],
  [`hpms_app index ${indexGeneration}`],
  [`hpms_app index ${indexGeneration + 1}`],
  ['psql'],
])('nothing is indexed again for %s', async (name) => {
  const other = await connect(name);
  await sweep();
  await leave(other);
  expect([await indexedAgain(), await generations()]).toEqual([[], [indexGeneration, indexGeneration]]);
});
