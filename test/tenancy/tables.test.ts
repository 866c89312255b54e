// Every table probed by SQL as one tenant, as the other, and as nobody: architecture.md, Tenancy; security.md 2A and 24

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TenantTransaction } from '../../src/database/tenant-transaction.ts';
import { withClient } from '../support/database.ts';
import { relationNames, storeTables } from './catalog.ts';
import { joinedViews, tenantTables, type Verb } from './rights.ts';
import { columnsOfTables, makeTwoTenants, sampleOf, type TwoTenants } from './two-tenants.ts';

let tenants: TwoTenants;
beforeAll(async () => {
  tenants = await makeTwoTenants();
});
afterAll(() => tenants.close());

const tables = Object.entries(tenantTables).map(([name, { app }]) => [name, app] as const);
const views = [...tables, ...Object.entries(joinedViews).map(([name, app]) => [name, app] as const)];

/** The SQLSTATE the statement fails with as this tenant; undefined when it does not fail. */
async function stateOf(tenantId: number, text: string): Promise<string | undefined> {
  return await failureOf((work) => tenants.tenantDoor(tenantId, work), text);
}

async function failureOf(
  run: (work: (trx: TenantTransaction) => Promise<unknown>) => Promise<unknown>,
  text: string,
): Promise<string | undefined> {
  try {
    await run((trx) => trx.query({ text }));
    return undefined;
  } catch (error) {
    const { code, cause } = error as { code?: string; cause?: { code?: string } };
    return code ?? cause?.code ?? String(error);
  }
}

const rowsOf = (tenantId: number, text: string) =>
  tenants.tenantDoor(tenantId, (trx) => trx.query<{ n: number }>({ text }));
const denied = '42501';

/** An INSERT of the generic row, with another id so that only the tenant can be at fault. */
async function insertOf(table: string, tenantId: number): Promise<string> {
  const all = await withClient(tenants.url, columnsOfTables);
  const columns = all.find((one) => one.table === table)?.columns ?? [];
  const names = ['tenant_id', ...columns.map(({ name }) => name)];
  const values = [
    String(tenantId),
    ...columns.map((column) => sampleOf(table, column).replaceAll('000', '001').replace("'x'", "'y'")),
  ];
  return `INSERT INTO tenant.${table} (${names.join(', ')}) VALUES (${values.join(', ')})`;
}

test('the list of tables is the catalog: a new one is probed without a word here', async () => {
  const names = await withClient(tenants.url, async (client) =>
    (await storeTables(client)).filter(({ hasTenant, parent }) => hasTenant && parent === null),
  );
  expect(names.map(({ name }) => name)).toEqual(tables.map(([name]) => name).sort());
  expect(await withClient(tenants.url, (client) => relationNames(client, 'tenant', ['v']))).toEqual(
    views.map(([name]) => name).sort(),
  );
});

describe.each(views)('tenant.%s', (name, verbs) => {
  const may = (verb: Verb) => verbs.includes(verb);

  test("shows each tenant its own row and never the other's", async () => {
    for (const [own, other] of [
      [tenants.a, tenants.b],
      [tenants.b, tenants.a],
    ] as const) {
      const rows = await rowsOf(own, `SELECT DISTINCT tenant_id AS n FROM ${name}`);
      expect(rows).toEqual([{ n: own }]);
      expect(await rowsOf(own, `SELECT tenant_id AS n FROM ${name} WHERE tenant_id = ${other}`)).toEqual([]);
      // A condition that fails on a row must not be tried on rows that are not there for this tenant.
      expect(await rowsOf(own, `SELECT 1 AS n FROM ${name} WHERE 1 / (tenant_id - ${other}) = 999`)).toEqual([]);
    }
  });

  test('shows nobody anything: without a tenant every statement fails', async () => {
    await tenants.connect('hpms_app', async (client) => {
      await expect(client.query(`SELECT 1 FROM ${name}`)).rejects.toThrow('hpms.tenant_id');
      await client.query('BEGIN');
      await client.query("SELECT set_config('hpms.tenant_id', $1, true)", [String(tenants.a)]);
      expect((await client.query(`SELECT 1 FROM ${name}`)).rowCount).toBeGreaterThan(0);
      await client.query('COMMIT');
      // What the transaction set is an empty text afterwards, not a missing one.
      await expect(client.query(`SELECT 1 FROM ${name}`)).rejects.toThrow('invalid input syntax for type integer');
    });
  });

  test("takes no row for the other tenant, and changes and deletes none of the other's", async () => {
    if (may('INSERT')) expect(['44000', denied]).toContain(await stateOf(tenants.a, await insertOf(name, tenants.b)));
    if (may('UPDATE')) {
      expect(['44000', denied]).toContain(await stateOf(tenants.a, `UPDATE ${name} SET tenant_id = ${tenants.b}`));
      expect(
        await rowsOf(
          tenants.a,
          `UPDATE ${name} SET tenant_id = tenant_id WHERE tenant_id = ${tenants.b} RETURNING 1 AS n`,
        ),
      ).toEqual([]);
    }
    if (may('DELETE')) {
      expect(await rowsOf(tenants.a, `DELETE FROM ${name} WHERE tenant_id = ${tenants.b} RETURNING 1 AS n`)).toEqual(
        [],
      );
    }
    expect((await rowsOf(tenants.b, `SELECT tenant_id AS n FROM ${name}`)).length).toBeGreaterThan(0);
  });

  test('refuses every verb that was not granted', async () => {
    // 55000: a view of several tables takes no writes at all.
    const refused = name in joinedViews ? [denied, '55000'] : [denied];
    if (!may('INSERT'))
      expect(refused).toContain(await stateOf(tenants.a, `INSERT INTO ${name} (tenant_id) VALUES (${tenants.a})`));
    if (!may('UPDATE')) expect(refused).toContain(await stateOf(tenants.a, `UPDATE ${name} SET tenant_id = tenant_id`));
    if (!may('DELETE')) expect(refused).toContain(await stateOf(tenants.a, `DELETE FROM ${name}`));
    for (const text of [`TRUNCATE ${name}`, `LOCK TABLE store.${name}`]) {
      expect([denied, '42809']).toContain(await stateOf(tenants.a, text));
    }
    for (const text of [
      `ALTER VIEW ${name} RENAME TO mine`,
      `DROP VIEW ${name}`,
      `CREATE OR REPLACE VIEW ${name} AS SELECT 1`,
    ]) {
      expect(await stateOf(tenants.a, text)).toBe(denied);
    }
  });

  test('cannot be filled by COPY, and its table cannot be copied', async () => {
    await tenants.connect('hpms_app', async (client) => {
      await client.query("SELECT set_config('hpms.tenant_id', $1, false)", [String(tenants.a)]);
      await expect(client.query(`COPY ${name} FROM STDIN`)).rejects.toThrow();
      await expect(client.query(`COPY (TABLE store.${name}) TO STDOUT`)).rejects.toMatchObject({ code: denied });
    });
  });

  test('refuses the system and the queue role', async () => {
    for (const role of ['hpms_system', 'hpms_queue'] as const) {
      await tenants.connect(role, async (client) => {
        await expect(client.query(`SELECT 1 FROM tenant.${name}`)).rejects.toMatchObject({ code: denied });
      });
    }
  });
});

describe('schema store', () => {
  const everyTable = () => withClient(tenants.url, storeTables);

  test('is shut for the application: every table and partition, every verb', async () => {
    for (const { name } of await everyTable()) {
      for (const text of [
        `SELECT 1 FROM store.${name}`,
        `DELETE FROM store.${name}`,
        `INSERT INTO store.${name} DEFAULT VALUES`,
        `TRUNCATE store.${name}`,
      ]) {
        expect(await stateOf(tenants.a, text)).toBe(denied);
      }
    }
  });

  test('shows the system role only the columns of rights.ts, of all tenants', async () => {
    const columns = await withClient(tenants.url, async (client) => {
      const { rows } = await client.query<{ table: string; name: string }>(`
        SELECT relname::text AS table, attname::text AS name FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        WHERE relnamespace = 'store'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1, 2`);
      return rows;
    });
    await tenants.connect('hpms_system', async (client) => {
      for (const { table, name } of columns) {
        const { reads = [], updates = [] } = tenantTables[table]?.system ?? {};
        const answer = client.query(`SELECT ${name} FROM store.${table}`);
        if (reads.includes(name)) expect((await answer).rowCount).toBe(2);
        else await expect(answer).rejects.toMatchObject({ code: denied });
        if (!updates.includes(name)) {
          await expect(client.query(`UPDATE store.${table} SET ${name} = DEFAULT`)).rejects.toMatchObject({
            code: denied,
          });
        }
        await expect(client.query(`INSERT INTO store.${table} (${name}) VALUES (DEFAULT)`)).rejects.toMatchObject({
          code: denied,
        });
      }
    });
  });

  test('lets the system role delete only what expires', async () => {
    await tenants.connect('hpms_system', async (client) => {
      for (const { name } of await everyTable()) {
        const isAllowed = tenantTables[name]?.system?.deletes === true;
        const answer = client.query(`DELETE FROM store.${name} WHERE false`);
        if (isAllowed) await answer;
        else await expect(answer).rejects.toMatchObject({ code: denied });
        await expect(client.query(`TRUNCATE store.${name}`)).rejects.toMatchObject({ code: denied });
      }
    });
  });

  test('is shut for the queue role', async () => {
    await tenants.connect('hpms_queue', async (client) => {
      for (const { name } of await everyTable()) {
        await expect(client.query(`SELECT 1 FROM store.${name}`)).rejects.toMatchObject({ code: denied });
      }
      await expect(client.query('SELECT 1 FROM system.tenant')).rejects.toMatchObject({ code: denied });
    });
  });
});

describe('ways round the walls (security.md 24)', () => {
  test.each([
    'SET ROLE hpms_owner',
    'SET ROLE hpms_system',
    'SET SESSION AUTHORIZATION hpms_owner',
    'SET SESSION AUTHORIZATION postgres',
    'ALTER ROLE hpms_app BYPASSRLS',
    'ALTER ROLE hpms_app SUPERUSER',
    'GRANT hpms_owner TO hpms_app',
    'SET session_replication_role = replica',
    'ALTER TABLE store.resource DISABLE ROW LEVEL SECURITY',
    'CREATE FUNCTION tenant.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$',
    'DO $$ BEGIN PERFORM 1; END $$',
    'CREATE TEMP TABLE t (x int)',
    'CREATE TABLE tenant.t (x int)',
    'CREATE TABLE public.t (x int)',
    'CREATE SCHEMA s',
    'CREATE EXTENSION dblink',
    'CREATE OPERATOR tenant.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)',
    "COPY resource TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    'SELECT pg_reload_conf()',
    'SELECT * FROM pg_authid',
    'SELECT * FROM pg_statistic',
    'CREATE SERVER s FOREIGN DATA WRAPPER w',
    "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
    'SELECT system.make_partitions(1)',
    'ALTER DATABASE postgres OWNER TO hpms_app',
    'ALTER SYSTEM SET fsync = off',
  ])('the application cannot: %s', async (text) => {
    expect(await stateOf(tenants.a, text)).toMatch(/^(42501|22023|0A000|42704|42710|42883|3F000|25001|42P01)$/);
  });

  test('row_security = off makes the same rows visible, or an error', async () => {
    await tenants.connect('hpms_app', async (client) => {
      await client.query('BEGIN; SET LOCAL row_security = off');
      await client.query("SELECT set_config('hpms.tenant_id', $1, true)", [String(tenants.a)]);
      const answer = await client
        .query('SELECT DISTINCT tenant_id AS n FROM resource')
        .catch(({ code }) => ({ rows: code }));
      expect([JSON.stringify([{ n: tenants.a }]), '"42501"']).toContain(JSON.stringify(answer.rows));
    });
  });

  test('planner statistics of other tenants are not shown (CVE-2025-8713)', async () => {
    await withClient(tenants.url, (client) => client.query('ANALYZE'));
    for (const view of ['pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs']) {
      expect(await rowsOf(tenants.a, `SELECT 1 AS n FROM ${view} WHERE schemaname IN ('store', 'tenant')`)).toEqual([]);
    }
  });

  test('of two tenants with the same keys neither meets a conflict that tells of the other', async () => {
    for (const [name, verbs] of tables.filter(([, one]) => one.includes('INSERT') && one.includes('DELETE'))) {
      expect(verbs).toContain('DELETE');
      await tenants.tenantDoor(tenants.a, async (trx) => {
        const gone = await trx.query({ text: `DELETE FROM ${name} RETURNING tenant_id` });
        expect(gone.length).toBeGreaterThan(0);
      });
      const insert = (await insertOf(name, tenants.a)).replaceAll('001', '000').replace("'y'", "'x'");
      expect(await stateOf(tenants.a, insert)).toBeUndefined();
    }
  });
});

describe('append-only tables (security.md 116)', () => {
  test('refuse UPDATE, DELETE and TRUNCATE of owner and migrator, on the table and on each partition', async () => {
    await withClient(tenants.url, async (client) => {
      const appendOnly = (await storeTables(client)).filter(
        ({ name, parent }) => tenantTables[(parent ?? name).replace('store.', '')]?.isAppendOnly,
      );
      const filled = new Set<string>();
      for (const who of ['the migrator', 'hpms_owner']) {
        if (who === 'hpms_owner') await client.query('SET ROLE hpms_owner');
        await client.query("SELECT set_config('hpms.tenant_id', $1, false)", [String(tenants.a)]);
        for (const { name } of appendOnly) {
          await expect(client.query(`TRUNCATE store.${name}`)).rejects.toThrow('written once');
          // Triggers fire for rows only, and the owner sees a partition's rows through its table alone.
          const { rowCount } = await client.query(`SELECT 1 FROM store.${name}`);
          if (!rowCount) continue;
          filled.add(name);
          await expect(client.query(`UPDATE store.${name} SET tenant_id = tenant_id`)).rejects.toThrow('written once');
          await expect(client.query(`DELETE FROM store.${name}`)).rejects.toThrow('written once');
        }
        await client.query('RESET ROLE');
      }
      const whole = [...filled].filter((name) => !/_\d{4}_\d{2}$/.test(name)).sort();
      expect(whole).toEqual([
        ...['audit_event', 'history', 'ledger_entry', 'ledger_transaction'],
        ...['seal_head', 'seal_leaves'],
      ]);
      // A partition of each of the first two.
      expect(filled.size).toBe(8);
    });
  });

  test('lose no row', async () => {
    expect(await rowsOf(tenants.b, 'SELECT count(*)::int AS n FROM history')).toEqual([{ n: 1 }]);
    expect(await rowsOf(tenants.b, 'SELECT count(*)::int AS n FROM audit_event')).toEqual([{ n: 1 }]);
  });
});
