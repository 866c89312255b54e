// The tenant door: every statement on a clinic's data runs in here, in a transaction that can only see that one tenant.

import type { Pool, PooledConnection } from './pool.ts';
import { BatchedTransaction, runTransaction, type Transaction } from './transaction.ts';

export interface TenantTransaction extends Transaction {
  readonly tenantId: number;
}

export type TenantDoor = <T>(
  tenantId: number,
  work: (trx: TenantTransaction) => Promise<T>,
  kind?: 'read' | 'write',
) => Promise<T>;

class OpenTenantTransaction extends BatchedTransaction implements TenantTransaction {
  readonly tenantId: number;

  constructor(connection: PooledConnection, tenantId: number, kind: 'read' | 'write') {
    // Local to the transaction: a connection that goes back to the pool has no tenant.
    const setTenant = {
      name: 'set-tenant',
      text: "SELECT pg_catalog.set_config('hpms.tenant_id', $1, true)",
      values: [String(tenantId)],
    };
    super(connection, { setUp: [setTenant], isRead: kind === 'read' });
    this.tenantId = tenantId;
  }
}

/** `kind` is `write` unless the work only reads. */
export function createTenantDoor(pool: Pool): TenantDoor {
  return <T>(tenantId: number, work: (trx: TenantTransaction) => Promise<T>, kind: 'read' | 'write' = 'write') =>
    runTransaction<OpenTenantTransaction, T>(
      pool,
      (connection) => new OpenTenantTransaction(connection, tenantId, kind),
      work,
    );
}
