// The tenant door: every statement on a clinic's data runs in here, in a transaction that can only see that one tenant.

import type pg from 'pg';
import type { Pool } from './pool.ts';
import { PipelinedTransaction, runTransaction, type Transaction } from './transaction.ts';

export interface TenantTransaction extends Transaction {
  readonly tenantId: number;
}

export type TenantDoor = <T>(tenantId: number, work: (trx: TenantTransaction) => Promise<T>) => Promise<T>;

class OpenTenantTransaction extends PipelinedTransaction implements TenantTransaction {
  readonly tenantId: number;

  constructor(client: pg.PoolClient, tenantId: number) {
    super(client);
    this.tenantId = tenantId;
    // Local to the transaction: a connection that goes back to the pool has no tenant.
    this.execute({
      name: 'set-tenant',
      text: "SELECT pg_catalog.set_config('hpms.tenant_id', $1, true)",
      values: [String(tenantId)],
    });
  }
}

export function createTenantDoor(pool: Pool): TenantDoor {
  return <T>(tenantId: number, work: (trx: TenantTransaction) => Promise<T>) =>
    runTransaction<OpenTenantTransaction, T>(pool, (client) => new OpenTenantTransaction(client, tenantId), work);
}
