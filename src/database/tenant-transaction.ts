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
    if (!Number.isSafeInteger(tenantId)) throw new TypeError('A tenant id is a whole number.');
    // SET LOCAL takes no parameter. It ends with the transaction: a connection that goes back to the pool has no tenant.
    super(client, { text: `BEGIN; SET LOCAL hpms.tenant_id = ${tenantId}` });
    this.tenantId = tenantId;
  }
}

export function createTenantDoor(pool: Pool): TenantDoor {
  return <T>(tenantId: number, work: (trx: TenantTransaction) => Promise<T>) =>
    runTransaction<OpenTenantTransaction, T>(pool, (client) => new OpenTenantTransaction(client, tenantId), work);
}
