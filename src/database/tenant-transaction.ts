// The tenant door: every statement on a clinic's data runs in here, in a transaction that can only see that one tenant.

import type { FairShare } from './fair-share.ts';
import { createLookup, type Lookup } from './lookups.ts';
import type { Pool, PooledConnection } from './pool.ts';
import type { Statement } from './statement.ts';
import { BatchedTransaction, runTransaction, type Transaction } from './transaction.ts';

export interface TenantTransaction extends Transaction {
  readonly tenantId: number;
}

/** `lookup`: reads a few rows by key, and may share its messages with other requests; `read`: only reads. */
export type WorkKind = 'lookup' | 'read' | 'write';

export type TenantDoor = <T>(
  tenantId: number,
  work: (trx: TenantTransaction) => Promise<T>,
  kind?: WorkKind,
) => Promise<T>;

class OpenTenantTransaction extends BatchedTransaction implements TenantTransaction {
  readonly tenantId: number;

  constructor(connection: PooledConnection, tenantId: number, kind: WorkKind) {
    super(connection, { setUp: [setTenant(tenantId)], isRead: kind === 'read' });
    this.tenantId = tenantId;
  }
}

/** Each statement is a transaction of its own, as each message of a `read` is. */
class TenantLookup implements TenantTransaction {
  readonly tenantId: number;
  readonly #lookup: Lookup;

  constructor(lookup: Lookup, tenantId: number) {
    this.#lookup = lookup;
    this.tenantId = tenantId;
  }

  query<Row>(statement: Statement): Promise<Row[]> {
    return this.#lookup(this.tenantId, statement) as Promise<Row[]>;
  }

  execute(): never {
    throw new Error('A lookup only reads.');
  }
}

/**
 * `kind` is `write` unless the work only reads. Lookups have a connection for a moment, and for several tenants at once: they wait for
 * no turn. Without a share transactions have the pool's connections as they come.
 */
export function createTenantDoor(pool: Pool, share?: FairShare): TenantDoor {
  const lookup = createLookup(pool, setTenant);
  return <T>(tenantId: number, work: (trx: TenantTransaction) => Promise<T>, kind: WorkKind = 'write') => {
    if (kind === 'lookup') return work(new TenantLookup(lookup, tenantId));
    return runTransaction<OpenTenantTransaction, T>(
      () => (share ? share.acquire(tenantId) : pool.acquire()),
      (connection) => new OpenTenantTransaction(connection, tenantId, kind),
      work,
    );
  };
}

/** Local to the transaction: a connection that goes back to the pool has no tenant. */
export function setTenant(tenantId: number): Statement {
  return {
    name: 'set-tenant',
    text: "SELECT pg_catalog.set_config('hpms.tenant_id', $1, true)",
    values: [String(tenantId)],
  };
}
