// The rows of a tenant's wrapped keys, and the count of what each data key was used for.

import { randomBytes } from 'node:crypto';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import type { RootKeys, WrappedKey } from './root-keys.ts';
import type { IndexKeyUse } from './tenant-cipher.ts';

export type KeyPurpose = 'data' | 'index';

export interface KeyRow extends WrappedKey {
  readonly purpose: KeyPurpose;
  readonly use: IndexKeyUse;
  /** Raised by every change of which keys there are and what for. */
  readonly epoch: number;
}

/** Random 96-bit IVs stay safe for 2^32 uses of a key; a new version comes at half of that. */
const usesPerKeyMax = 2 ** 31;
/** A process takes uses in blocks, so that counting costs one statement in a million encryptions. */
export const usesReservedAtOnce = 2 ** 20;

/** Throws when there are none: the tenant is not made yet, or shredded. */
export async function readKeys(trx: TenantTransaction): Promise<KeyRow[]> {
  const rows = await trx.query<Omit<KeyRow, 'tenantId'>>({
    name: 'read-keys',
    text: 'SELECT purpose, version, wrapped, root, use, epoch FROM tenant_key',
  });
  for (const purpose of ['data', 'index']) {
    if (rows.some((row) => row.purpose === purpose)) continue;
    throw new Error(`Tenant ${trx.tenantId} has no ${purpose} key.`);
  }
  return rows.map((row) => ({ ...row, tenantId: trx.tenantId }));
}

/** Takes a block of uses of the newest data key, or makes the next version when it is used up; gives all keys. */
export async function reserveUses(trx: TenantTransaction, roots: RootKeys): Promise<KeyRow[]> {
  takeTurns(trx);
  const [newest] = await trx.query<{ uses_reserved: string }>({
    text: "SELECT uses_reserved FROM tenant_key WHERE purpose = 'data' ORDER BY version DESC LIMIT 1",
  });
  // Once in 2^31 encryptions a root key elsewhere is asked within a transaction.
  if (newest && Number(newest.uses_reserved) + usesReservedAtOnce > usesPerKeyMax)
    await addKey(trx, roots, 'data', 'asked');
  trx.execute({
    text: `UPDATE tenant_key SET uses_reserved = uses_reserved + $1
           WHERE purpose = 'data' AND version = (SELECT max(version) FROM tenant_key WHERE purpose = 'data')`,
    values: [usesReservedAtOnce],
  });
  return await readKeys(trx);
}

/** At the first key: a lock on the newest misses one that is made while it is waited for. */
function takeTurns(trx: TenantTransaction): void {
  trx.execute({ text: "SELECT 1 FROM tenant_key WHERE purpose = 'data' AND version = 1 FOR UPDATE" });
}

/** The next version of this purpose; gives its number. */
export async function addKey(
  trx: TenantTransaction,
  { current }: RootKeys,
  purpose: KeyPurpose,
  use: IndexKeyUse,
): Promise<number> {
  takeTurns(trx);
  const [row] = await trx.query<{ version: number }>({
    text: 'SELECT coalesce(max(version), 0) + 1 AS version FROM tenant_key WHERE purpose = $1',
    values: [purpose],
  });
  const version = row?.version ?? 1;
  const wrapped = await current.wrap(randomBytes(32), { tenantId: trx.tenantId, purpose, version });
  trx.execute({
    text: `INSERT INTO tenant_key (purpose, version, wrapped, root, use, epoch)
           SELECT $1, $2, $3, $4, $5, coalesce(max(epoch) + 1, 0) FROM tenant_key`,
    values: [purpose, version, wrapped, current.id, use],
  });
  return version;
}

/** Which index key searches ask by, and which is on its way in or out. */
export async function indexKeyUses(
  trx: TenantTransaction,
): Promise<{ readonly asked: number; readonly written?: number }> {
  const rows = await trx.query<{ version: number; use: IndexKeyUse }>({
    text: "SELECT version, use FROM tenant_key WHERE purpose = 'index'",
  });
  const [asked, written] = (['asked', 'written'] as const).map((use) => rows.find((row) => row.use === use)?.version);
  if (asked === undefined) throw new Error(`Tenant ${trx.tenantId} has no index key.`);
  return { asked, ...(written === undefined ? {} : { written }) };
}

export function setIndexKeyUses(trx: TenantTransaction, uses: ReadonlyMap<number, IndexKeyUse>): void {
  takeTurns(trx);
  trx.execute({
    text: `UPDATE tenant_key SET use = row.use, epoch = (SELECT max(epoch) + 1 FROM tenant_key)
           FROM unnest($1::integer[], $2::text[]) AS row (version, use)
           WHERE tenant_key.purpose = 'index' AND tenant_key.version = row.version`,
    values: [[...uses.keys()], [...uses.values()]],
  });
}
