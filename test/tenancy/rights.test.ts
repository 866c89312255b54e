// The database gives each role what rights.ts says and nothing else: architecture.md, Tenancy

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { functionGrants, type Grant, relationGrants, relationNames, schemaGrants, storeTables } from './catalog.ts';
import { joinedViews, registry, renderRights, roles, sharedTables, tenantTables } from './rights.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const lines = (grants: readonly Grant[]) => grants.map(({ on, role, verb }) => `${role} ${verb} ${on}`).sort();
const rowsOf = async (text: string) => (await client.query(text)).rows;

describe('roles', () => {
  test('have no power of their own: no superuser, no way round row security, no new roles or databases', async () => {
    const rows = await rowsOf(`
      SELECT rolname AS role, rolcanlogin AS "logsIn" FROM pg_roles
      WHERE rolname ~ '^hpms_' AND NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolinherit)
      ORDER BY 1`);
    const expected = Object.entries(roles).map(([role, { logsIn }]) => ({ role, logsIn }));
    expect(rows).toEqual(expected.sort((a, b) => (a.role < b.role ? -1 : 1)));
    expect(await rowsOf("SELECT count(*)::int AS n FROM pg_roles WHERE rolname ~ '^hpms_'")).toEqual([
      { n: expected.length },
    ]);
  });

  test('that log in are members of nothing and own nothing', async () => {
    const login = "(SELECT oid FROM pg_roles WHERE rolname ~ '^hpms_' AND rolcanlogin)";
    expect(await rowsOf(`SELECT * FROM pg_auth_members WHERE member IN ${login}`)).toEqual([]);
    expect(await rowsOf(`SELECT * FROM pg_shdepend WHERE refobjid IN ${login} AND deptype = 'o'`)).toEqual([]);
  });
});

describe('schemas and functions', () => {
  test('each role looks into its own schemas, and only the owner makes anything in them', async () => {
    const grants = await schemaGrants(client);
    const usage = Object.entries(roles).flatMap(([role, { schemas }]) => schemas.map((on) => `${role} USAGE ${on}`));
    const create = ['shared', 'store', 'system', 'tenant'].map((on) => `hpms_owner CREATE ${on}`);
    const own = grants.filter(({ role }) => role.startsWith('hpms_') || role === 'PUBLIC');
    expect(lines(own)).toEqual([...usage, ...create].sort());
  });

  test('each role may call the functions it is given, PUBLIC none', async () => {
    const expected = Object.entries(roles).flatMap(([role, { functions }]) =>
      functions.map((on) => `${role} EXECUTE ${on}`),
    );
    expect(lines(await functionGrants(client))).toEqual(expected.sort());
  });

  test('functions that run as their owner have a fixed search path', async () => {
    const rows = await rowsOf(`
      SELECT proname::text AS name, coalesce(array_to_string(proconfig, ' '), '') AS config FROM pg_proc
      JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname IN ('store', 'tenant', 'system') AND prosecdef`);
    expect(rows.length).toBeGreaterThan(0);
    for (const { config } of rows) expect(config).toBe('search_path=pg_catalog');
  });

  test('PUBLIC has no right on the database, in schema public and on the language plpgsql', async () => {
    expect(
      await rowsOf(`
        SELECT 'database' AS what FROM pg_database, aclexplode(datacl) WHERE datname = current_database() AND grantee = 0
        UNION ALL SELECT 'language' FROM pg_language, aclexplode(coalesce(lanacl, acldefault('l', lanowner)))
          WHERE lanname = 'plpgsql' AND grantee = 0`),
    ).toEqual([]);
  });
});

describe('tables and views', () => {
  test('rights.ts names every table of tenants, and each has its view', async () => {
    const tables = (await storeTables(client)).filter(({ parent }) => parent === null).map(({ name }) => name);
    expect(tables).toEqual([...Object.keys(tenantTables), registry.table].sort());
    const views = [...Object.keys(tenantTables), ...Object.keys(joinedViews)].sort();
    expect(await relationNames(client, 'tenant', ['r', 'p', 'v', 'm', 'f', 'S'])).toEqual(views);
  });

  test('the application has what rights.ts says on its views, and nothing anywhere else', async () => {
    const views = {
      ...Object.fromEntries(Object.entries(tenantTables).map(([name, { app }]) => [name, app])),
      ...joinedViews,
    };
    const expected = Object.entries(views).flatMap(([name, verbs]) =>
      verbs.map((verb) => `hpms_app ${verb} tenant.${name}`),
    );
    expected.push(...sharedTables.map((name) => `hpms_app SELECT shared.${name}`));
    for (const [name, { appUpdates = [] }] of Object.entries(tenantTables)) {
      expected.push(...appUpdates.map((column) => `hpms_app UPDATE tenant.${name}.${column}`));
    }
    const granted = (await relationGrants(client)).filter(({ role }) => role === 'hpms_app');
    expect(lines(granted)).toEqual(expected.sort());
  });

  test('the system role has what rights.ts says, column by column, and nothing anywhere else', async () => {
    const granted = lines((await relationGrants(client)).filter(({ role }) => role === 'hpms_system'));
    const { inserts, updates: registered } = registry.system;
    const expected = [
      `hpms_system SELECT system.${registry.table}`,
      ...inserts.map((column) => `hpms_system INSERT system.${registry.table}.${column}`),
      ...registered.map((column) => `hpms_system UPDATE system.${registry.table}.${column}`),
    ];
    for (const [name, { system }] of Object.entries(tenantTables)) {
      if (!system) continue;
      const { reads, updates = [], deletes } = system;
      for (const column of reads) expected.push(`hpms_system SELECT store.${name}.${column}`);
      for (const column of updates) {
        expected.push(`hpms_system UPDATE store.${name}.${column}`, `hpms_system UPDATE system.${name}.${column}`);
      }
      expected.push(`hpms_system SELECT system.${name}`);
      if (deletes) expected.push(`hpms_system DELETE store.${name}`, `hpms_system DELETE system.${name}`);
    }
    expect(granted).toEqual(expected.sort());
  });

  test("what the system role's views show are the columns it may read, as itself", async () => {
    const rows = await rowsOf(`
      SELECT relname::text AS name, array_agg(attname::text ORDER BY attnum) AS columns,
             coalesce(array_to_string(reloptions, ' '), '') AS options
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
      WHERE relnamespace = 'system'::regnamespace AND relname <> '${registry.table}' GROUP BY 1, reloptions`);
    for (const { name, columns, options } of rows) {
      expect({ name, columns: [...columns].sort() }).toEqual({
        name,
        columns: [...(tenantTables[name]?.system?.reads ?? [])].sort(),
      });
      expect(options).toContain('security_invoker=true');
    }
    expect(rows.map(({ name }) => name).sort()).toEqual(
      Object.keys(tenantTables)
        .filter((name) => tenantTables[name]?.system)
        .sort(),
    );
  });

  test('the queue role has the tables of its own schema, and nothing anywhere else', async () => {
    const granted = (await relationGrants(client)).filter(({ role }) => role === 'hpms_queue');
    expect(granted.length).toBeGreaterThan(0);
    expect(granted.filter(({ on }) => !on.startsWith('jobs.'))).toEqual([]);
    expect(new Set(granted.map(({ verb }) => verb))).toEqual(
      new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'USAGE']),
    );
  });

  test('the reindex role writes the tokens of AuditEvents, finds them by their keys, and can do nothing else', async () => {
    const granted = (await relationGrants(client)).filter(({ role }) => role === 'hpms_reindex');
    expect(lines(granted)).toEqual([
      'hpms_reindex SELECT tenant.audit_event.id',
      'hpms_reindex SELECT tenant.audit_event.last_updated',
      'hpms_reindex UPDATE tenant.audit_event.tokens',
    ]);
  });

  test('nobody else, PUBLIC included, has any right', async () => {
    const others = (await relationGrants(client)).filter(
      ({ role }) => !['hpms_app', 'hpms_system', 'hpms_queue', 'hpms_reindex'].includes(role),
    );
    expect(others).toEqual([]);
  });
});

describe('walls', () => {
  test('row security is on and forced on every table with rows of tenants, partitions included', async () => {
    const tables = (await storeTables(client)).filter(({ name }) => name !== registry.table);
    expect(
      tables.filter(
        ({ hasTenant, secured, forced, owner }) => !hasTenant || !secured || !forced || owner !== 'hpms_owner',
      ),
    ).toEqual([]);
  });

  test('every table has one policy for its owner, the tenant of the transaction, and one for the system role where it reads', async () => {
    const own = '(tenant_id = ( SELECT tenant.current_id() AS current_id))';
    const rows = await rowsOf(`
      SELECT tablename::text AS name, policyname::text AS policy, roles::text[] AS roles, cmd, permissive, qual, with_check AS "check"
      FROM pg_policies WHERE schemaname = 'store' ORDER BY 1, 2`);
    const expected = Object.entries(tenantTables).flatMap(([name, { system }]) => [
      ...(system
        ? [
            {
              name,
              policy: 'system',
              roles: ['hpms_system'],
              cmd: 'ALL',
              permissive: 'PERMISSIVE',
              qual: 'true',
              check: 'true',
            },
          ]
        : []),
      { name, policy: 'tenant', roles: ['hpms_owner'], cmd: 'ALL', permissive: 'PERMISSIVE', qual: own, check: own },
    ]);
    expect(rows).toEqual(expected.sort((a, b) => (`${a.name} ${a.policy}` < `${b.name} ${b.policy}` ? -1 : 1)));
  });

  test('every view of the application filters by the tenant and checks what is written', async () => {
    const rows = await rowsOf(`
      SELECT relname::text AS name, pg_get_viewdef(oid) AS definition, coalesce(array_to_string(reloptions, ' '), '') AS options
      FROM pg_class WHERE relnamespace = 'tenant'::regnamespace AND relkind = 'v'`);
    for (const { name, definition, options } of rows) {
      const sources = definition.match(/FROM store\.\w+/g)?.length ?? 0;
      expect(definition.match(/tenant_id = \( SELECT tenant\.current_id\(\) AS current_id\)/g)).toHaveLength(sources);
      if (!(name in joinedViews)) expect(options).toContain('check_option=local');
      expect(options).not.toContain('security_invoker');
    }
    const defaults = await rowsOf(`
      SELECT relname::text AS name FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id'
      LEFT JOIN pg_attrdef ON adrelid = pg_class.oid AND adnum = attnum
      WHERE relnamespace = 'store'::regnamespace AND relkind IN ('r', 'p')
        AND (NOT attnotnull OR pg_get_expr(adbin, adrelid) IS DISTINCT FROM 'tenant.current_id()')`);
    expect(defaults).toEqual([]);
  });

  test('every key of a table begins with the tenant, so that no key tells of another one', async () => {
    const rows = await rowsOf(`
      SELECT relname::text AS name, conname::text AS key FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
      JOIN pg_attribute ON attrelid = conrelid AND attname = 'tenant_id'
      WHERE relnamespace = 'store'::regnamespace AND contype IN ('p', 'u', 'x', 'f') AND conkey[1] <> attnum`);
    expect(rows).toEqual([]);
    const indexes = await rowsOf(`
      SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
      JOIN pg_attribute ON attrelid = indrelid AND attname = 'tenant_id'
      WHERE relnamespace = 'store'::regnamespace AND indisunique AND indkey[0] <> attnum`);
    expect(indexes).toEqual([]);
  });

  test('append-only tables and each of their partitions have their triggers, and no other table needs none', async () => {
    const rows = await rowsOf(`
      SELECT tgrelid::regclass::text AS name, tgname::text AS trigger, tgenabled::text AS enabled FROM pg_trigger
      WHERE tgname IN ('refuse_change', 'refuse_truncate') AND tgrelid IN (
        SELECT oid FROM pg_class WHERE relnamespace = 'store'::regnamespace)`);
    const having = (trigger: string) =>
      rows
        .filter((row) => row.trigger === trigger && row.enabled === 'O')
        .map(({ name }) => name.replace('store.', ''))
        .sort();
    const tables = (await storeTables(client)).filter(({ name, parent }) => {
      return tenantTables[(parent ?? name).replace('store.', '')]?.isAppendOnly;
    });
    const names = tables.map(({ name }) => name).sort();
    expect(names.length).toBeGreaterThan(8);
    expect(having('refuse_change')).toEqual(names);
    expect(having('refuse_truncate')).toEqual(names);
  });

  test('the array operators are leakproof, or row security would keep searches from their index', async () => {
    expect(
      await rowsOf(`SELECT proname::text AS name, proleakproof AS leakproof FROM pg_proc
        WHERE oid IN ('pg_catalog.arraycontains'::regproc, 'pg_catalog.arrayoverlap'::regproc) ORDER BY 1`),
    ).toEqual([
      { name: 'arraycontains', leakproof: true },
      { name: 'arrayoverlap', leakproof: true },
    ]);
  });
});

test('the README has the tables of roles and rights as they are', () => {
  const readme = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8');
  // Not toContain: its message would be the whole README.
  expect(readme.includes(renderRights())).toBe(true);
});
