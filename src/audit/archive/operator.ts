// The connection of the operator's commands on archives: of a role that sees the rows of all tenants, one command at a time.

import pg from 'pg';
import { ArchiveError } from './archive-error.ts';
import type { AskTenant } from './check-leaves.ts';

/** Of all archive commands on a database. */
const lockNumber = 7_350_035;

/** Ends with the connection, however that ends. */
export async function withOperator<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await requireAllRows(client);
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS taken', [lockNumber]);
    if (rows[0]?.taken !== true) throw new ArchiveError('Another archive command is at work on this database.');
    return await work(client);
  } finally {
    await client.end();
  }
}

/** As a role that row-level security holds back, it would archive an empty month and not notice. */
async function requireAllRows(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    'SELECT rolsuper OR rolbypassrls AS may FROM pg_roles WHERE rolname = current_user',
  );
  if (rows[0]?.may === true) return;
  throw new ArchiveError('The role of DATABASE_URL does not see all rows: it must be a superuser or have BYPASSRLS.');
}

/** Through the views of the tenants. */
export function askAs(client: pg.Client): AskTenant {
  return async <Row>(tenantId: number, { text, values = [] }: Parameters<AskTenant>[1]) => {
    await client.query("SELECT set_config('hpms.tenant_id', $1, false)", [String(tenantId)]);
    const { rows } = await client.query(text, [...values]);
    return rows as Row[];
  };
}
