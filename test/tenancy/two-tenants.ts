// Two tenants in a database of their own, with a row of each in every table, made from the catalog alone.

import pg from 'pg';
import { connectionSettings, createPool, type DatabaseRole, type Pool } from '../../src/database/pool.ts';
import { createTenantDoor, type TenantDoor } from '../../src/database/tenant-transaction.ts';
import { createTestDatabase, testRootKey, withClient } from '../support/database.ts';

export interface TwoTenants {
  readonly url: string;
  readonly a: number;
  readonly b: number;
  /** Of hpms_app, on few connections. */
  readonly tenantDoor: TenantDoor;
  readonly pool: Pool;
  /** A connection of the role, as the server makes them. */
  connect<T>(role: DatabaseRole, work: (client: pg.Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function makeTwoTenants(connectionsMax = 2): Promise<TwoTenants> {
  const database = await createTestDatabase();
  const [a, b] = await withClient(database.url, async (client) => {
    const { rows } = await client.query<{ id: number }>(
      "INSERT INTO store.tenant (name, display) VALUES ('a', 'A'), ('b', 'B') RETURNING id",
    );
    const ids = rows.map(({ id }) => id) as [number, number];
    for (const id of ids) await fillTables(client, id);
    return ids;
  });
  const settings = { databaseUrl: database.url, rootKey: testRootKey };
  const pool = createPool({
    ...settings,
    role: 'hpms_app',
    connectionsMax,
    waitingMax: 10_000,
    onIdleError: () => undefined,
  });
  return {
    url: database.url,
    a,
    b,
    pool,
    tenantDoor: createTenantDoor(pool),
    async connect(role, work) {
      const client = new pg.Client(connectionSettings({ ...settings, role }));
      await client.connect();
      try {
        return await work(client);
      } finally {
        await client.end();
      }
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** The same row for every tenant, but for its tenant: so that a missing wall shows as a second row. */
async function fillTables(client: pg.Client, tenantId: number): Promise<void> {
  for (const { table, columns } of await columnsOfTables(client)) {
    // The trigger on resource has written it.
    if (table === 'type_count') continue;
    const names = ['tenant_id', ...columns.map(({ name }) => name)];
    const values = [String(tenantId), ...columns.map((column) => sampleOf(table, column))];
    // What a journal must be besides is held by triggers at the commit: test/clinic/ledger proves these.
    await client.query(`SET session_replication_role = '${table.startsWith('ledger_') ? 'replica' : 'origin'}'`);
    await client.query(`INSERT INTO store.${table} (${names.join(', ')}) VALUES (${values.join(', ')})`);
  }
}

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Columns that need a value, of the tables with rows of tenants, referenced tables first. */
export async function columnsOfTables(client: pg.Client): Promise<{ table: string; columns: Column[] }[]> {
  const { rows } = await client.query<{ table: string; columns: Column[] }>(`
    SELECT relname::text AS table, coalesce(json_agg(json_build_object('name', attname, 'type', format_type(atttypid, NULL))
        ORDER BY attnum) FILTER (WHERE attnotnull AND NOT atthasdef AND attname <> 'tenant_id'), '[]') AS columns
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'store'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND EXISTS (SELECT FROM pg_attribute own WHERE own.attrelid = pg_class.oid AND own.attname = 'tenant_id')
    GROUP BY relname, pg_class.oid
    ORDER BY (SELECT count(*) FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'f'
        AND confrelid <> 'store.tenant'::regclass), relname`);
  return rows.map(({ table, columns }) => ({ table, columns: [...columns, ...(checkedColumns[table] ?? [])] }));
}

const valueByType: Readonly<Record<string, string>> = {
  text: "'x'",
  'text[]': "'{}'",
  integer: '1',
  date: "'2026-01-01'",
  bigint: '1',
  'bigint[]': "'{1}'",
  boolean: 'false',
  bytea: "'\\x00'",
  jsonb: "'{}'",
  uuid: "'00000000-0000-7000-8000-000000000000'",
  'timestamp with time zone': 'now()',
  'timestamp with time zone[]': "'{2026-01-01}'",
  tstzrange: "tstzrange('2026-01-01', '2026-01-02')",
};

/** Where a check asks for more than a value of the type. */
const valueByColumn: Readonly<Record<string, string>> = {
  'tenant_key.purpose': "'data'",
  'leave.high': "now() + interval '1 hour'",
  'invoice_fact.kind': "'invoice'",
  'fee_invoice.kind': "'no-show'",
};

/** Nullable columns that a check asks for. */
const checkedColumns: Readonly<Record<string, readonly Column[]>> = {
  client: [{ name: 'secret_hash', type: 'bytea' }],
};

export function sampleOf(table: string, { name, type }: Column): string {
  const value = valueByColumn[`${table}.${name}`] ?? valueByType[type];
  if (value === undefined) throw new Error(`Say in two-tenants.ts what a row of ${table} has as ${name} (${type}).`);
  return value;
}
