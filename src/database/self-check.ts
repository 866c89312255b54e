// Before the first request the database must be as the migrations made it: both walls up, durable, and our roles powerless.

import type { Statement } from './statement.ts';
import type { SystemDoor } from './system-transaction.ts';
import type { TenantDoor } from './tenant-transaction.ts';
import type { Transaction } from './transaction.ts';

export interface SelfCheckResult {
  /** Reasons not to start. */
  readonly refusals: readonly string[];
  /** What a server of one's own may lack, told at start and by `/readyz`. */
  readonly missingWalls: readonly string[];
}

/** Asks as the application's own roles, so that what is checked is what runs. */
export async function checkDatabase(tenantDoor: TenantDoor, systemDoor: SystemDoor): Promise<SelfCheckResult> {
  // No tenant has the number 0: the check needs none.
  const asTenant = await tenantDoor(0, findRefusals);
  const asSystem = await systemDoor(findRefusals);
  const missingWalls = await tenantDoor(0, async (trx) => problems(trx, missingWallChecks));
  return { refusals: [...new Set([...asTenant, ...asSystem])], missingWalls };
}

const findRefusals = (trx: Transaction) => problems(trx, refusalChecks);

interface Check {
  readonly problem: string;
  /** Gives a row with the names of what is at fault, or no row. */
  readonly statement: Statement;
}

async function problems(trx: Transaction, checks: readonly Check[]): Promise<string[]> {
  const found = await Promise.all(checks.map(({ statement }) => trx.query<{ name: string }>(statement)));
  return checks.flatMap(({ problem }, index) => {
    const names = (found[index] ?? []).map((row) => row.name);
    return names.length === 0 ? [] : [`${problem}: ${names.join(', ')}`];
  });
}

const refusalChecks: readonly Check[] = [
  {
    problem: 'The role could go round row-level security',
    statement: {
      text: `SELECT rolname AS name FROM pg_roles
             WHERE rolname = current_user AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)`,
    },
  },
  {
    problem: 'The role owns objects',
    statement: {
      text: `SELECT DISTINCT relname::text AS name FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
             WHERE rolname = current_user ORDER BY name LIMIT 5`,
    },
  },
  {
    problem: 'The role can reach a table beside the views',
    statement: {
      text: `SELECT relname::text AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
             WHERE nspname = 'store' AND relkind IN ('r', 'p')
               AND has_table_privilege(pg_class.oid, 'INSERT, TRUNCATE, REFERENCES, TRIGGER') ORDER BY name LIMIT 5`,
    },
  },
  {
    problem: 'A table of tenants has no row-level security',
    statement: {
      text: `SELECT relname::text AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
             JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id' AND NOT attisdropped
             WHERE nspname = 'store' AND relkind IN ('r', 'p') AND NOT relrowsecurity ORDER BY name LIMIT 5`,
    },
  },
  {
    problem: 'The server could lose what it acknowledged',
    statement: {
      text: `SELECT name || ' is off' AS name FROM pg_settings
             WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off' ORDER BY name`,
    },
  },
];

const missingWallChecks: readonly Check[] = [
  {
    problem: 'Row-level security is not forced, the views alone keep tenants apart',
    statement: {
      text: `SELECT count(*) || ' tables' AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
             JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id' AND NOT attisdropped
             WHERE nspname = 'store' AND relkind IN ('r', 'p') AND NOT relforcerowsecurity HAVING count(*) > 0`,
    },
  },
  {
    problem: 'Searches cannot use their index, an operator is not declared leakproof',
    statement: {
      text: `SELECT proname::text AS name FROM pg_proc
             WHERE oid IN ('pg_catalog.arraycontains'::regproc, 'pg_catalog.arrayoverlap'::regproc) AND NOT proleakproof
               AND EXISTS (SELECT FROM pg_class WHERE relforcerowsecurity)`,
    },
  },
];
