// `npm run admin -- COMMAND`: what an operator does beside the running server, on the same database.

import { serverCaller } from '../access/caller.ts';
import { findSealKey, openSealKey } from '../audit/seal/seal-key.ts';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { runningPostgresUrl } from '../database/postmaster.ts';
import { rolePassword } from '../database/role-password.ts';
import { type Doors, openDoors } from '../doors.ts';
import { explain } from '../explain.ts';
import { recordAdminAct } from '../http/admin/admin-audit.ts';
import { openRepository } from '../open-repository.ts';
import { openRoots } from '../open-roots.ts';
import type { ClientCredentials } from '../people/clients.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { connectionFacts } from '../tenants/connection-facts.ts';
import { onboardTenant } from '../tenants/onboard-tenant.ts';
import { createTenantRegistry, type TenantRecord } from '../tenants/registry.ts';
import { systemTenantName } from '../tenants/reserved.ts';
import { createSystemClient, requireSystemTenant } from '../tenants/system-tenant.ts';
import { operatorName } from '../tenants/tenant-audit.ts';
import { importDistribution } from './import-terminology/import-distribution.ts';
import { Progress } from './import-terminology/progress.ts';
import { importUsage, readImportArguments } from './import-terminology/read-arguments.ts';
import { inviteUsage, makeInvitation, readInviteArguments } from './invite.ts';
import { readRotateKeyArguments, rotateKey, rotateKeyUsage, rotateRoot } from './keys.ts';
import { recordInSystem } from './record-in-system.ts';

const usage = `Usage: npm run admin -- COMMAND
  create-tenant NAME   makes a tenant and prints its base URL, token URL, client id and secret as JSON
  create-system-client [NAME]
                       makes a client that may use /admin and prints its token URL, client id and secret as JSON
  ${inviteUsage}
                       prints the single-use link with which an account that has no password yet gets one
  ${rotateKeyUsage}
                       gives a tenant another data or index key while it goes on
  rotate-root          wraps all tenants' keys by the root key that is set, in place of ROOT_KEY_PREVIOUS
  metrics-token        prints the bearer token of /metrics
  ${importUsage}
                       imports a licensed code system from the files of its publisher`;

try {
  const [command, name, ...more] = process.argv.slice(2);
  if (command === 'create-tenant' && name !== undefined && more.length === 0) await printNewTenant(name);
  else if (command === 'create-system-client' && more.length === 0) await printSystemClient(name);
  else if (command === 'invite') await printInvitation(process.argv.slice(3));
  else if (command === 'import-terminology') await importTerminology(process.argv.slice(3));
  else if (command === 'rotate-key') await printRotatedKey(process.argv.slice(3));
  else if (command === 'rotate-root' && name === undefined) await printRotatedRoot();
  else if (command === 'metrics-token' && name === undefined)
    console.log(rolePassword(config().crypto.rootKey, 'metrics'));
  else if (command === 'help' || command === '--help') console.log(usage);
  else refuseUsage();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

function refuseUsage(): void {
  console.error(usage);
  process.exitCode = 2;
}

function config(): Config {
  return readConfig(process.env, 'required');
}

async function printNewTenant(name: string): Promise<void> {
  await withDoors(async ({ config, doors }) => {
    const { repository } = openRepository({ config, doors });
    const by = serverCaller(await requireSystemTenant(doors), operatorName);
    const { tenant, client } = await onboardTenant({ ...doors, repository }, { name, hasFirstClient: true }, by);
    await recordInSystem({ ...doors, repository }, { act: 'createTenant', action: 'C', tenant, outcome: '0' });
    print(connectionFacts(config.http.publicUrl, { tenant, ...(client as ClientCredentials) }));
  });
}

async function printSystemClient(name = 'System administration'): Promise<void> {
  await withDoors(async ({ config, doors }) => {
    const { publicUrl } = config.http;
    const { repository } = openRepository({ config, doors });
    const client = await createSystemClient({ ...doors, repository }, name);
    print({ ...connectionFacts(publicUrl, { tenant: systemTenantName, ...client }), adminUrl: `${publicUrl}/admin` });
  });
}

async function printInvitation(args: readonly string[]): Promise<void> {
  const request = readInviteArguments(args);
  if (!request) return refuseUsage();
  await withDoors(async ({ config, doors }) => {
    const tenant = await findTenant(doors, request.tenant);
    const { repository } = openRepository({ config, doors });
    const { publicUrl } = config.http;
    console.log(await makeInvitation(repository, { publicUrl, tenant, email: request.email }));
  });
}

async function printRotatedKey(args: readonly string[]): Promise<void> {
  const request = readRotateKeyArguments(args);
  if (!request) return refuseUsage();
  await withDoors(async ({ config, doors }) => {
    const tenant = await findTenant(doors, request.tenant);
    const { repository } = openRepository({ config, doors });
    console.log(await rotateKey(repository, tenant, request));
  });
}

async function printRotatedRoot(): Promise<void> {
  await withDoors(async ({ config, doors, databaseUrl }) => {
    const { repository } = openRepository({ config, doors });
    const roots = openRoots(config.crypto.root);
    // It is wrapped anew when it is opened; where nothing was sealed there is none.
    if ((await findSealKey(doors.tenantDoor, roots)) !== undefined) await openSealKey(doors.tenantDoor, roots);
    const isDone = await rotateRoot({ databaseUrl, roots, progress: new Progress(process.stderr) });
    const outcome = isDone ? '0' : '8';
    await recordInSystem({ ...doors, repository }, { act: 'rotateRootKey', action: 'U', outcome });
    if (!isDone) process.exitCode = 1;
  });
}

function print(facts: object): void {
  console.log(JSON.stringify(facts, undefined, 2));
}

async function importTerminology(args: readonly string[]): Promise<void> {
  const { tenant: name, ...request } = readImportArguments(args);
  await withDoors(async ({ config, doors, databaseUrl }) => {
    const { repository } = openRepository({ config, doors });
    const progress = new Progress(process.stderr);
    const tenant = name === undefined ? undefined : await findTenant(doors, name);
    const into = tenant ? { tenantDoor: doors.tenantDoor, tenantId: tenant.id } : { databaseUrl };
    const { url, version, concepts, hasReplaced } = await importDistribution({ ...request, into, progress });
    await recordImport(repository, tenant?.id ?? (await requireSystemTenant(doors)), request.system);
    const what = `${concepts.toLocaleString('en')} concepts of ${url}, version ${version}`;
    progress.line(`Imported ${what}${hasReplaced ? ', in place of the earlier import' : ''}.`);
  });
}

/** What all tenants share is the system's. */
async function recordImport(repository: Repository, tenantId: number, system: string): Promise<void> {
  await inSession(repository, serverCaller(tenantId, operatorName), async (session) =>
    recordAdminAct(session, { act: 'importTerminology', method: 'PUT', path: `/terminology/${system}` }),
  );
}

async function findTenant({ systemDoor }: Doors, name: string): Promise<TenantRecord> {
  const registry = createTenantRegistry(systemDoor);
  const tenant = await registry.find(name);
  if (tenant) return tenant;
  const isSuspended = await registry.isSuspended(name);
  throw new ConfigError(
    isSuspended ? `The tenant ${name} is suspended; resume it first.` : `There is no tenant ${name}.`,
  );
}

interface Open {
  readonly config: Config;
  readonly doors: Doors;
  readonly databaseUrl: string;
}

async function withDoors(work: (open: Open) => Promise<void>): Promise<void> {
  const settings = config();
  const { crypto, database, dataDir } = settings;
  const databaseUrl =
    database.url ?? runningPostgresUrl({ dataDir, password: rolePassword(crypto.rootKey, 'postgres') });
  if (databaseUrl === undefined) {
    throw new ConfigError(`No HPMS runs on ${dataDir}; start it first, or set DATABASE_URL.`);
  }
  const doors = openDoors({ databaseUrl, ...crypto, onIdleError: () => undefined });
  try {
    await work({ config: settings, doors, databaseUrl });
  } finally {
    await doors.close();
  }
}
