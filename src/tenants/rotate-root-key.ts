// Wraps all tenants' keys by another root key while everything goes on: the keys themselves stay, so nothing else changes.

import { type RootKeys, unwrapKey, type WrappedKey } from '../crypto/root-keys.ts';
import { inSharedTransaction } from '../database/shared-transaction.ts';
import type { Transaction } from '../database/transaction.ts';

export interface RootRotation {
  /** Of `npm run migrate`: the application's roles cannot write wrapped keys. */
  readonly databaseUrl: string;
  /** The current one wraps from now on; among the others are those that have wrapped until now. */
  readonly roots: RootKeys;
  /** Told after each tenant, in the order of their numbers. */
  readonly onTenant: (progress: { readonly done: number; readonly total: number }) => void;
  /** A tenant whose keys stay as they are. */
  readonly onFailure: (tenantId: number, error: unknown) => void;
}

export interface RotatedRoot {
  readonly tenants: number;
  readonly keys: number;
  readonly failed: number;
}

/** Tenant by tenant, each in a transaction: whoever is stopped half-way begins again and finds only what is left. */
export async function rotateRootKey(rotation: RootRotation): Promise<RotatedRoot> {
  const { databaseUrl, onTenant, onFailure } = rotation;
  const ids = await inSharedTransaction(databaseUrl, findTenants);
  const result = { tenants: 0, keys: 0, failed: 0 };
  for (const [index, tenantId] of ids.entries()) {
    try {
      const keys = await wrapAnew(rotation, tenantId);
      result.keys += keys;
      if (keys > 0) result.tenants++;
    } catch (error) {
      result.failed++;
      onFailure(tenantId, error);
    }
    onTenant({ done: index + 1, total: ids.length });
  }
  return result;
}

async function findTenants(trx: Transaction): Promise<number[]> {
  const rows = await trx.query<{ id: number }>({
    text: "SELECT id FROM store.tenant WHERE status <> 'shredded' ORDER BY id",
  });
  return rows.map(({ id }) => id);
}

/** The number of keys. Root keys elsewhere are asked between two transactions, not within one. */
async function wrapAnew({ databaseUrl, roots }: RootRotation, tenantId: number): Promise<number> {
  const { current } = roots;
  const rows = await inSharedTransaction(databaseUrl, (trx) => findKeys(trx, tenantId, current.id));
  if (rows.length === 0) return 0;
  await current.prepare(tenantId);
  const wrapped: { readonly row: WrappedKey; readonly anew: Buffer }[] = [];
  for (const row of rows) {
    const key = await unwrapKey(roots, row);
    const anew = await current.wrap(key, row);
    // Nothing is given up before the new one was seen to open.
    const again = await current.unwrap(anew, row);
    if (!again.equals(key)) throw new Error(`The root key ${current.id} does not give back what it wraps.`);
    wrapped.push({ row, anew });
    for (const secret of [key, again]) secret.fill(0);
  }
  await inSharedTransaction(databaseUrl, async (trx) => {
    enterTenant(trx, tenantId);
    for (const { row, anew } of wrapped) {
      // One that was shredded or wrapped by somebody else meanwhile stays as it is.
      trx.execute({
        text: `UPDATE store.tenant_key SET wrapped = $5, root = $6
               WHERE tenant_id = $1 AND purpose = $2 AND version = $3 AND wrapped = $4`,
        values: [tenantId, row.purpose, row.version, row.wrapped, anew, current.id],
      });
    }
  });
  return rows.length;
}

async function findKeys(trx: Transaction, tenantId: number, currentId: string): Promise<WrappedKey[]> {
  enterTenant(trx, tenantId);
  const rows = await trx.query<Omit<WrappedKey, 'tenantId'>>({
    text: `SELECT purpose, version, wrapped, root FROM store.tenant_key
           WHERE tenant_id = $1 AND root IS DISTINCT FROM $2 ORDER BY purpose, version`,
    values: [tenantId, currentId],
  });
  return rows.map((row) => ({ ...row, tenantId }));
}

/** Row-level security holds for the owner too. */
export function enterTenant(trx: Transaction, tenantId: number): void {
  trx.execute({ text: "SELECT pg_catalog.set_config('hpms.tenant_id', $1, true)", values: [String(tenantId)] });
}
