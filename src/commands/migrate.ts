// `npm run migrate`: brings the database of DATABASE_URL to this version, as a role that may do so.

import { type Config, ConfigError, readConfig } from '../config.ts';
import { migrate } from '../database/migrate.ts';
import { openDoors } from '../doors.ts';
import { explain } from '../explain.ts';
import { openRoots } from '../open-roots.ts';
import { requireRoots } from '../tenants/require-roots.ts';
import { ensureSystemTenant } from '../tenants/system-tenant.ts';
import { loadCoreTerminology } from '../terminology/core-terminology.ts';

try {
  const config = readConfig(process.env, 'required');
  if (config.database.url === undefined) {
    throw new ConfigError('DATABASE_URL is not set; the embedded database is migrated by `npm start` itself.');
  }
  const startedAt = performance.now();
  const { url: databaseUrl } = config.database;
  const log = (line: string) => console.log(line);
  const beforePasswords = () => requireRoots(databaseUrl, openRoots(config.crypto.root));
  await migrate({ databaseUrl, rootKey: config.crypto.rootKey, log, beforePasswords });
  await loadCoreTerminology(databaseUrl, log);
  await makeSystemTenant(databaseUrl, config.crypto);
  console.log(`The database is up to date (${((performance.now() - startedAt) / 1_000).toFixed(1)} s).`);
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

async function makeSystemTenant(databaseUrl: string, crypto: Config['crypto']): Promise<void> {
  const doors = openDoors({ databaseUrl, ...crypto, onIdleError: () => undefined });
  try {
    await ensureSystemTenant(doors);
  } finally {
    await doors.close();
  }
}
