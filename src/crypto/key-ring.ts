// Each tenant's keys: made once, stored wrapped by the root key, unwrapped on first use and kept in memory.

import type { TenantDoor, TenantTransaction } from '../database/tenant-transaction.ts';
import { KeyRefusal } from '../gateways/root-key.ts';
import { addKey, type KeyPurpose, type KeyRow, readKeys, reserveUses, usesReservedAtOnce } from './key-rows.ts';
import { LoadedCiphers } from './loaded-ciphers.ts';
import { OpenedKeys } from './opened-keys.ts';
import { allRoots, type RootKeys, soleRoot } from './root-keys.ts';
import { type CipherHooks, createTenantCipher, type IndexKeyUse, type TenantCipher } from './tenant-cipher.ts';

export interface KeyRing {
  /** The tenant's cipher, loaded on first use. Rejects with 503 where the root key is out of reach. */
  cipherOf(tenantId: number): Promise<TenantCipher>;
  /** The same without waiting, when it is loaded already. */
  loadedCipherOf(tenantId: number): TenantCipher | undefined;
  /** Those whose keys are in memory. */
  loadedTenants(): readonly number[];
  /** To be called when a tenant's keys were destroyed. */
  forget(tenantId: number): void;
  /** To be called when a tenant has other keys than were loaded. */
  outdate(tenantId: number): void;
  /** Makes the keys of a new tenant inside the transaction that makes the tenant's first rows. */
  createKeys(trx: TenantTransaction): Promise<void>;
  /** The next version of a key: see src/repository/reindex/rotate-keys.ts. Gives its number. */
  addKey(trx: TenantTransaction, purpose: KeyPurpose, use: IndexKeyUse): Promise<number>;
  /** Destroys what the tenant's keys are wrapped by outside the database, for ever: backups stay dark too. Again: nothing. */
  destroyKeys(tenantId: number): Promise<void>;
  /** Asks root keys elsewhere again, ahead of time, and forgets what was not confirmed in time; happens by itself. */
  renew(): Promise<void>;
  close(): void;
}

export interface KeyRingOptions {
  /** How long keys stay good that a root key elsewhere has unwrapped. */
  readonly cacheMs?: number | undefined;
  /** How long nobody asks again for the keys of a tenant after they could not be had. */
  readonly retryMs?: number | undefined;
  readonly nowMs?: (() => number) | undefined;
  /** Told of what could not be renewed. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export const usualCacheMs = 3_600_000;

/** A `root` that is only a key has no secrets of tenants beside it: see local-root.ts. */
export function createKeyRing(root: Buffer | RootKeys, tenantDoor: TenantDoor, options: KeyRingOptions = {}): KeyRing {
  const {
    cacheMs = usualCacheMs,
    retryMs = 1_000,
    nowMs = () => performance.now(),
    onError = () => undefined,
  } = options;
  const roots = Buffer.isBuffer(root) ? soleRoot(root) : root;
  const opened = new OpenedKeys(roots, { cacheMs, nowMs });
  const ciphers = new LoadedCiphers({ read, retryMs, nowMs });
  const uses = new Map<number, Uses>();

  /** The keys are opened first: no use is reserved where they cannot be had, nor while there are some of before. */
  async function read(tenantId: number): Promise<TenantCipher> {
    const cipherWith = (keys: readonly OpenedRow[], block: Uses) =>
      createTenantCipher(
        tenantId,
        keysOf(keys),
        hooksOf(block, () => ciphers.drop(tenantId)),
      );
    const known = await openAll(opened, await tenantDoor(tenantId, readKeys, 'read'));
    const before = uses.get(tenantId);
    if (before && before.left > 0 && before.version === newestOf(known)) return cipherWith(known, before);
    const rows = await tenantDoor(tenantId, (trx) => reserveUses(trx, roots));
    const keys = epochOf(rows) === epochOf(known) ? known : await openAll(opened, rows);
    const block = { version: newestOf(keys), left: usesReservedAtOnce };
    uses.set(tenantId, block);
    return cipherWith(keys, block);
  }

  function forget(tenantId: number): void {
    ciphers.drop(tenantId);
    opened.forget(tenantId);
  }

  async function renewOne(tenantId: number): Promise<void> {
    const ageMs = opened.ageMs(tenantId);
    if (ageMs === undefined || ageMs < cacheMs / 2) return;
    try {
      await opened.renew(tenantId, await tenantDoor(tenantId, readKeys, 'read'));
    } catch (error) {
      onError(error);
      if (error instanceof KeyRefusal || ageMs >= cacheMs) forget(tenantId);
    }
  }

  async function renew(): Promise<void> {
    for (const tenantId of ciphers.tenants()) await renewOne(tenantId);
  }

  const timer = allRoots(roots).some(({ isRemote }) => isRemote) ? setInterval(renew, cacheMs / 8).unref() : undefined;
  return {
    cipherOf: (tenantId) => ciphers.get(tenantId),
    loadedCipherOf: (tenantId) => ciphers.known(tenantId),
    loadedTenants: () => ciphers.tenants(),
    forget,
    outdate: (tenantId) => ciphers.drop(tenantId),
    async createKeys(trx) {
      await roots.current.prepare(trx.tenantId);
      await addKey(trx, roots, 'data', 'asked');
      await addKey(trx, roots, 'index', 'asked');
    },
    addKey: (trx, purpose, use) => addKey(trx, roots, purpose, use),
    async destroyKeys(tenantId) {
      for (const one of allRoots(roots)) await one.destroy(tenantId);
    },
    renew,
    close: () => clearInterval(timer),
  };
}

type OpenedRow = KeyRow & { readonly key: Awaited<ReturnType<OpenedKeys['open']>> };

async function openAll(opened: OpenedKeys, rows: readonly KeyRow[]): Promise<OpenedRow[]> {
  return await Promise.all(rows.map(async (row) => ({ ...row, key: await opened.open(row) })));
}

/** What is left of the block that was reserved of a tenant's newest data key. */
interface Uses {
  readonly version: number;
  left: number;
}

/** Whoever still has an earlier cipher takes of the same block. */
function hooksOf(block: Uses, drop: () => void): CipherHooks {
  return {
    beforeSeal() {
      // The next caller waits for a fresh block while this one uses its last.
      if (--block.left === 0) drop();
    },
    onUnknownKey: drop,
  };
}

function newestOf(rows: readonly KeyRow[]): number {
  return Math.max(...rows.flatMap(({ purpose, version }) => (purpose === 'data' ? version : [])));
}

function epochOf(rows: readonly KeyRow[]): number {
  return Math.max(...rows.map(({ epoch }) => epoch));
}

function keysOf(rows: readonly OpenedRow[]) {
  return {
    epoch: epochOf(rows),
    data: rows.filter(({ purpose }) => purpose === 'data'),
    index: rows.filter(({ purpose }) => purpose === 'index'),
  };
}
