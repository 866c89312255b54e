// The database and key parts that every process of ours is made of, opened and closed together.

import { createKeyRing, type KeyRing } from './crypto/key-ring.ts';
import { createPool, type DatabaseRole, type Pool } from './database/pool.ts';
import { createSystemDoor, type SystemDoor } from './database/system-transaction.ts';
import { createTenantDoor, type TenantDoor } from './database/tenant-transaction.ts';

export interface Doors {
  readonly tenantPool: Pool;
  readonly systemPool: Pool;
  readonly tenantDoor: TenantDoor;
  readonly systemDoor: SystemDoor;
  readonly keyRing: KeyRing;
  close(): Promise<void>;
}

export interface DoorsOptions {
  readonly databaseUrl: string;
  readonly rootKey: Buffer;
  /** Told of idle connections that were lost; they are replaced. */
  readonly onIdleError: (error: Error) => void;
}

/** A connection more than this only makes PostgreSQL switch between more processes than there are cores. */
const tenantConnectionsMax = 16;
const systemConnectionsMax = 4;
const waitingMax = 1_000;

export function openDoors(options: DoorsOptions): Doors {
  const open = (role: DatabaseRole, connectionsMax: number) =>
    createPool({ ...options, role, connectionsMax, waitingMax });
  const tenantPool = open('hpms_app', tenantConnectionsMax);
  const systemPool = open('hpms_system', systemConnectionsMax);
  const tenantDoor = createTenantDoor(tenantPool);
  return {
    tenantPool,
    systemPool,
    tenantDoor,
    systemDoor: createSystemDoor(systemPool),
    keyRing: createKeyRing(options.rootKey, tenantDoor),
    async close() {
      await Promise.all([tenantPool.end(), systemPool.end()]);
    },
  };
}
