// Each tenant's keys: made once, stored wrapped by the root key, unwrapped on first use and kept in memory.

import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { open, seal } from './sealed-box.ts';
import { createTenantCipher, type TenantCipher } from './tenant-cipher.ts';

export interface KeyRing {
  /** The tenant's cipher, loaded on first use. */
  cipherOf(tenantId: number): Promise<TenantCipher>;
  /** The same without waiting, when it is loaded already. */
  loadedCipherOf(tenantId: number): TenantCipher | undefined;
  /** Those whose keys are in memory. */
  loadedTenants(): readonly number[];
  /** To be called when a tenant's keys were destroyed. */
  forget(tenantId: number): void;
  /** Makes the keys of a new tenant inside the transaction that makes the tenant's first rows. */
  createKeys(trx: TenantTransaction): void;
}

interface KeyRow {
  readonly purpose: 'data' | 'index';
  readonly version: number;
  readonly wrapped: Buffer;
  readonly uses_reserved: string;
}

/** Random 96-bit IVs stay safe for 2^32 uses of a key; a new version comes at half of that. */
const usesPerKeyMax = 2 ** 31;
/** A process takes uses in blocks, so that counting costs one statement in a million encryptions. */
const usesReservedAtOnce = 2 ** 20;

export function createKeyRing(rootKey: Buffer, tenantDoor: TenantDoor): KeyRing {
  const root = createSecretKey(rootKey);
  const loaded = new Map<number, TenantCipher>();
  const loading = new Map<number, Promise<TenantCipher>>();

  async function load(tenantId: number): Promise<TenantCipher> {
    const rows = await tenantDoor(tenantId, (trx) => reserveUses(trx, root));
    let usesLeft = usesReservedAtOnce;
    const forget = () => loaded.delete(tenantId);
    const cipher = createTenantCipher(tenantId, dataKeysOf(root, tenantId, rows), indexKeyOf(root, tenantId, rows), {
      beforeSeal() {
        // The next caller waits for a fresh block while this one uses its last.
        if (--usesLeft === 0) forget();
      },
      onUnknownKey: forget,
    });
    loaded.set(tenantId, cipher);
    return cipher;
  }

  return {
    cipherOf(tenantId) {
      const known = loaded.get(tenantId);
      if (known) return Promise.resolve(known);
      let promise = loading.get(tenantId);
      if (!promise) {
        promise = load(tenantId).finally(() => loading.delete(tenantId));
        loading.set(tenantId, promise);
      }
      return promise;
    },
    loadedCipherOf: (tenantId) => loaded.get(tenantId),
    loadedTenants: () => [...loaded.keys()],
    forget(tenantId) {
      loaded.delete(tenantId);
      // What was read before the keys were destroyed must not come in afterwards.
      loading.get(tenantId)?.then(
        () => loaded.delete(tenantId),
        () => undefined,
      );
    },
    createKeys(trx) {
      insertKey(trx, root, 'data', 1);
      insertKey(trx, root, 'index', 1);
    },
  };
}

/** Takes a block of uses of the newest data key, or makes the next version when it is used up; gives all keys. */
async function reserveUses(trx: TenantTransaction, root: KeyObject): Promise<KeyRow[]> {
  // Processes take turns at the first key: a lock on the newest misses one that is made while it is waited for.
  trx.execute({ text: "SELECT 1 FROM tenant_key WHERE purpose = 'data' AND version = 1 FOR UPDATE" });
  const newest = await trx.query<KeyRow>({
    text: "SELECT version, uses_reserved FROM tenant_key WHERE purpose = 'data' ORDER BY version DESC LIMIT 1",
  });
  const row = newest[0];
  if (!row) throw new Error(`Tenant ${trx.tenantId} has no data key.`);
  if (Number(row.uses_reserved) + usesReservedAtOnce > usesPerKeyMax) insertKey(trx, root, 'data', row.version + 1);
  trx.execute({
    text: `UPDATE tenant_key SET uses_reserved = uses_reserved + $1
           WHERE purpose = 'data' AND version = (SELECT max(version) FROM tenant_key WHERE purpose = 'data')`,
    values: [usesReservedAtOnce],
  });
  return await trx.query<KeyRow>({ text: 'SELECT purpose, version, wrapped, uses_reserved FROM tenant_key' });
}

function insertKey(trx: TenantTransaction, root: KeyObject, purpose: KeyRow['purpose'], version: number): void {
  trx.execute({
    text: 'INSERT INTO tenant_key (purpose, version, wrapped) VALUES ($1, $2, $3)',
    values: [purpose, version, seal(root, 0, randomBytes(32), wrapContext(trx.tenantId, purpose, version))],
  });
}

function wrapContext(tenantId: number, purpose: string, version: number): string {
  return `${tenantId}|${purpose} key|${version}`;
}

function unwrap(root: KeyObject, tenantId: number, row: KeyRow): KeyObject {
  return createSecretKey(open(root, row.wrapped, wrapContext(tenantId, row.purpose, row.version)));
}

function dataKeysOf(root: KeyObject, tenantId: number, rows: readonly KeyRow[]) {
  return rows
    .filter((row) => row.purpose === 'data')
    .map((row) => ({ version: row.version, key: unwrap(root, tenantId, row) }));
}

function indexKeyOf(root: KeyObject, tenantId: number, rows: readonly KeyRow[]): KeyObject {
  const row = rows.find((candidate) => candidate.purpose === 'index');
  if (!row) throw new Error(`Tenant ${tenantId} has no index key.`);
  return unwrap(root, tenantId, row);
}
