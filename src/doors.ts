// The database and key parts that every process of ours is made of, opened and closed together.

import { createKeyRing, type KeyRing } from './crypto/key-ring.ts';
import { type FairShare, shareFairly } from './database/fair-share.ts';
import { createPool, type DatabaseRole, type Pool } from './database/pool.ts';
import { createSystemDoor, type SystemDoor } from './database/system-transaction.ts';
import { createSystemTurn, type SystemTurn } from './database/system-turn.ts';
import { createTenantDoor, type TenantDoor } from './database/tenant-transaction.ts';
import { openRoots } from './open-roots.ts';
import type { RootSettings } from './root-settings.ts';

export interface Doors {
  readonly tenantPool: Pool;
  /** Who of the tenants has its connections. */
  readonly tenantShare: FairShare;
  readonly systemPool: Pool;
  /** For the access trail alone: what is refused because the others are taken is put on record all the same. */
  readonly trailPool: Pool;
  readonly tenantDoor: TenantDoor;
  readonly systemDoor: SystemDoor;
  readonly systemTurn: SystemTurn;
  /** Of the role that may write tokens of AuditEvents anew, and nothing else. */
  readonly reindexDoor: TenantDoor;
  readonly keyRing: KeyRing;
  close(): Promise<void>;
}

export interface DoorsOptions {
  readonly databaseUrl: string;
  readonly rootKey: Buffer;
  /** What wraps tenants' keys. */
  readonly root: RootSettings;
  /** Told of idle connections that were lost; they are replaced. */
  readonly onIdleError: (error: Error) => void;
  /** Called when one of these doors has changed who may do what, before whoever did it knows that it is over. */
  readonly onAccessChange?: () => void;
  /** Told of keys that a root key elsewhere did not confirm in time. */
  readonly onKeyError?: (error: unknown) => void;
}

/** A connection more than this only makes PostgreSQL switch between more processes than there are cores. */
const tenantConnectionsMax = 16;
/** Some are left to lookups, and some to other tenants whatever one does. */
const tenantShareOptions = { atOnceMax: 14, ofOneTenantMax: 10 };
const systemConnectionsMax = 4;
/** Messages of a group commit that are under way at most; two are, while PostgreSQL is quick. */
const trailConnectionsMax = 4;
/** Opened while an index key is rotated. */
const reindexConnectionsMax = 2;
const waitingMax = 1_000;

export function openDoors(options: DoorsOptions): Doors {
  const open = (role: DatabaseRole, connectionsMax: number) =>
    createPool({ ...options, role, connectionsMax, waitingMax });
  const tenantPool = open('hpms_app', tenantConnectionsMax);
  const systemPool = open('hpms_system', systemConnectionsMax);
  const trailPool = open('hpms_app', trailConnectionsMax);
  const reindexPool = open('hpms_reindex', reindexConnectionsMax);
  const tenantShare = shareFairly(tenantPool, { ...tenantShareOptions, waitingMax });
  const tenantDoor = createTenantDoor(tenantPool, tenantShare);
  const { root, onKeyError: onError } = options;
  const keyRing = createKeyRing(openRoots(root), tenantDoor, { cacheMs: root.cacheMs, onError });
  return {
    tenantPool,
    tenantShare,
    systemPool,
    trailPool,
    tenantDoor,
    systemDoor: createSystemDoor(systemPool),
    systemTurn: createSystemTurn(systemPool),
    reindexDoor: createTenantDoor(reindexPool),
    keyRing,
    async close() {
      keyRing.close();
      await Promise.all([tenantPool.end(), systemPool.end(), trailPool.end(), reindexPool.end()]);
    },
  };
}
