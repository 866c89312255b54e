// `npm run admin -- COMMAND`: what an operator does beside the running server, on the same database.

import { type Config, ConfigError, readConfig } from '../config.ts';
import { runningPostgresUrl } from '../database/postmaster.ts';
import { rolePassword } from '../database/role-password.ts';
import { openDoors } from '../doors.ts';
import { FhirError } from '../fhir/outcome.ts';
import { connectionFacts } from '../tenants/connection-facts.ts';
import { createTenant } from '../tenants/create-tenant.ts';

const usage = `Usage: npm run admin -- COMMAND
  create-tenant NAME   makes a tenant and prints its base URL, token URL, client id and secret as JSON
  metrics-token        prints the bearer token of /metrics`;

try {
  const [command, name, ...more] = process.argv.slice(2);
  if (command === 'create-tenant' && name !== undefined && more.length === 0) await printNewTenant(name);
  else if (command === 'metrics-token' && name === undefined)
    console.log(rolePassword(config().crypto.rootKey, 'metrics'));
  else {
    console.error(usage);
    process.exitCode = 2;
  }
} catch (error) {
  console.error(error instanceof ConfigError || error instanceof FhirError ? error.message : error);
  process.exitCode = 1;
}

function config(): Config {
  return readConfig(process.env);
}

async function printNewTenant(name: string): Promise<void> {
  const { http, crypto, database, dataDir } = config();
  const databaseUrl =
    database.url ?? runningPostgresUrl({ dataDir, password: rolePassword(crypto.rootKey, 'postgres') });
  if (databaseUrl === undefined) {
    throw new ConfigError(`No HPMS runs on ${dataDir}; start it first, or set DATABASE_URL.`);
  }
  const doors = openDoors({ databaseUrl, rootKey: crypto.rootKey, onIdleError: () => undefined });
  try {
    console.log(JSON.stringify(connectionFacts(http.publicUrl, await createTenant(doors, { name })), undefined, 2));
  } finally {
    await doors.close();
  }
}
