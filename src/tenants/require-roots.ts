// Whether the root keys of a process are those of a database: before it changes anything that others rely on.

import { type RootKeys, unwrapKey, type WrappedKey } from '../crypto/root-keys.ts';
import { inSharedTransaction } from '../database/shared-transaction.ts';
import type { Transaction } from '../database/transaction.ts';
import { enterTenant } from './rotate-root-key.ts';

/** Throws a KeyRefusal where a tenant's key does not open; a database without tenants takes any. `databaseUrl` is that of `npm run migrate`. */
export async function requireRoots(databaseUrl: string, roots: RootKeys): Promise<void> {
  const row = await inSharedTransaction(databaseUrl, findKey);
  if (!row) return;
  const key = await unwrapKey(roots, row);
  key.fill(0);
}

async function findKey(trx: Transaction): Promise<WrappedKey | undefined> {
  const [tenant] = await trx.query<{ id: number }>({
    text: "SELECT id FROM store.tenant WHERE status <> 'shredded' ORDER BY id LIMIT 1",
  });
  if (!tenant) return undefined;
  enterTenant(trx, tenant.id);
  const [row] = await trx.query<Omit<WrappedKey, 'tenantId'>>({
    text: `SELECT purpose, version, wrapped, root FROM store.tenant_key
           WHERE tenant_id = $1 ORDER BY version DESC, purpose LIMIT 1`,
    values: [tenant.id],
  });
  return row && { ...row, tenantId: tenant.id };
}
