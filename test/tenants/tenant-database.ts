// The two doors and the keys on a test database of its own.

import { createKeyRing, type KeyRing } from '../../src/crypto/key-ring.ts';
import { createPool, type DatabaseRole } from '../../src/database/pool.ts';
import { createSystemDoor, type SystemDoor } from '../../src/database/system-transaction.ts';
import { createTenantDoor, type TenantDoor } from '../../src/database/tenant-transaction.ts';
import { createTestDatabase, testRootKey } from '../support/database.ts';

export interface TenantDatabase {
  readonly url: string;
  readonly systemDoor: SystemDoor;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  close(): Promise<void>;
}

export async function openTenantDatabase(onAccessChange?: () => void): Promise<TenantDatabase> {
  const { url, drop } = await createTestDatabase();
  const openPool = (role: DatabaseRole) =>
    createPool({
      ...{ databaseUrl: url, role, rootKey: testRootKey, connectionsMax: 5, waitingMax: 100 },
      onIdleError: () => undefined,
      ...(onAccessChange && { onAccessChange }),
    });
  const pools = [openPool('hpms_app'), openPool('hpms_system')] as const;
  const tenantDoor = createTenantDoor(pools[0]);
  return {
    url,
    tenantDoor,
    systemDoor: createSystemDoor(pools[1]),
    keyRing: createKeyRing(testRootKey, tenantDoor),
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
      await drop();
    },
  };
}
