// What verifying commands read through: one connection whose transactions each see one moment, however much is written meanwhile.

import { type Config, ConfigError } from '../config.ts';
import { createPool } from '../database/pool.ts';
import { runningPostgresUrl } from '../database/postmaster.ts';
import { rolePassword } from '../database/role-password.ts';
import { createTenantDoor, type TenantDoor } from '../database/tenant-transaction.ts';
import { type Doors, openDoors } from '../doors.ts';

/** Beside the server that runs, or on the database of DATABASE_URL. */
export async function withSnapshots(config: Config, work: (doors: Doors) => Promise<void>): Promise<void> {
  const { rootKey } = config.crypto;
  const databaseUrl =
    config.database.url ?? runningPostgresUrl({ dataDir: config.dataDir, password: rolePassword(rootKey, 'postgres') });
  if (databaseUrl === undefined) {
    throw new ConfigError(`No HPMS runs on ${config.dataDir}; start it first, or set DATABASE_URL.`);
  }
  const onIdleError = () => undefined;
  const doors = openDoors({ databaseUrl, ...config.crypto, onIdleError });
  const pool = createPool({ databaseUrl, rootKey, onIdleError, role: 'hpms_app', connectionsMax: 1, waitingMax: 10 });
  try {
    const tenantDoor = createTenantDoor(pool);
    await setSnapshots(tenantDoor);
    await work({ ...doors, tenantPool: pool, tenantDoor });
  } finally {
    await Promise.all([pool.end(), doors.close()]);
  }
}

/** Of the one connection, for all transactions that follow. */
async function setSnapshots(tenantDoor: TenantDoor): Promise<void> {
  await tenantDoor(0, (trx) =>
    trx.query({ text: "SELECT set_config('default_transaction_isolation', 'repeatable read', false)" }),
  );
}
