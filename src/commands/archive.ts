// `npm run archive`: months of AuditEvents and history go into files and come back; legal holds (README, Archives).

import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { serverCaller } from '../access/caller.ts';
import { ArchiveError } from '../audit/archive/archive-error.ts';
import { archiveMonth } from '../audit/archive/archive-month.ts';
import { checkArchive } from '../audit/archive/check-archive.ts';
import { listHolds, placeHold, releaseHold } from '../audit/archive/legal-hold.ts';
import {
  type ArchivedFile,
  listArchives,
  markTold,
  monthsBefore,
  retokened,
  signShares,
  tenantsOf,
  untoldArchives,
} from '../audit/archive/manifest.ts';
import { askAs, withOperator } from '../audit/archive/operator.ts';
import { restoreMonth } from '../audit/archive/restore-month.ts';
import { openSealKey, type SealKey } from '../audit/seal/seal-key.ts';
import { SealDifference } from '../audit/seal/verify/difference.ts';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { runningPostgresUrl } from '../database/postmaster.ts';
import { rolePassword } from '../database/role-password.ts';
import { openDoors } from '../doors.ts';
import { explain } from '../explain.ts';
import { FhirError } from '../fhir/outcome.ts';
import { type AdminAct, recordAdminAct } from '../http/admin/admin-audit.ts';
import { openRepository } from '../open-repository.ts';
import { openRoots } from '../open-roots.ts';
import { inSession, type Repository } from '../repository/session.ts';
import { type ArchiveCommand, readArguments } from './archive-arguments.ts';
import { count, Report } from './demo/report.ts';
import { makeFolder } from './make-folder.ts';

const report = new Report(process.stdout);
try {
  await run(readArguments(process.argv.slice(2), new Date()));
} catch (error) {
  const isTold = [ConfigError, ArchiveError, SealDifference, FhirError].some((kind) => error instanceof kind);
  console.error(isTold ? (error as Error).message : explain(error));
  process.exitCode = 1;
}

interface Work {
  readonly client: pg.Client;
  readonly repository: Repository;
  readonly sealKey: SealKey;
}

async function run(command: ArchiveCommand): Promise<void> {
  const config = readConfig(process.env, 'required');
  const databaseUrl = findDatabase(config);
  const doors = openDoors({ databaseUrl, ...config.crypto, onIdleError: () => undefined });
  try {
    const { repository } = openRepository({ config, doors });
    const sealKey = await openSealKey(doors.tenantDoor, openRoots(config.crypto.root));
    await withOperator(databaseUrl, (client) => carryOut({ client, repository, sealKey }, command));
  } finally {
    await doors.close();
  }
}

function findDatabase({ database, dataDir, crypto }: Config): string {
  const url = database.url ?? runningPostgresUrl({ dataDir, password: rolePassword(crypto.rootKey, 'postgres') });
  if (url === undefined) throw new ConfigError(`No HPMS runs on ${dataDir}; start it first, or set DATABASE_URL.`);
  return url;
}

async function carryOut(work: Work, command: ArchiveCommand): Promise<void> {
  switch (command.kind) {
    case 'archive':
      return await archive(work, command);
    case 'restore':
      return await restore(work, command);
    case 'check':
      return await check(work, path.resolve(command.folder));
    case 'list':
      return await list(work.client);
    default:
      return await hold(work, command);
  }
}

type Of<Kind> = Extract<ArchiveCommand, { readonly kind: Kind }>;

/** The oldest first; what an earlier run did not come to tell is told as well. */
async function archive(work: Work, { before, folder: named, tables }: Of<'archive'>): Promise<void> {
  const { client, sealKey } = work;
  const folder = path.resolve(named);
  await makeFolder(folder);
  const by = `${userInfo().username}@${hostname()}`;
  let files = 0;
  await tellArchived(work);
  for (const table of tables) {
    for (const month of await monthsBefore(client, table, before)) {
      report.progress(`${table} ${month}`);
      const made = await archiveMonth({ client, table, month, folder, by, sealKey, now: () => new Date() });
      if (!made) continue;
      files += 1;
      report.line(`${table} ${month}: ${count(made.rows, 'row')} in ${made.file}`);
      await tellArchived(work);
    }
  }
  if (files === 0) report.line(`Nothing was archived: there are no rows of months before ${before}.`);
}

async function tellArchived({ client, repository }: Work): Promise<void> {
  for (const untold of await untoldArchives(client)) {
    const { tenantId, table, month, part } = untold;
    await tell(repository, tenantId, {
      act: 'archiveMonth',
      method: 'POST',
      path: `/archives/${table}/${month}/${part}`,
    });
    await markTold(client, untold);
  }
}

async function restore({ client, repository }: Work, { month, folder, tables }: Of<'restore'>): Promise<void> {
  const found = (await listArchives(client)).filter((one) => one.month === month && tables.includes(one.table));
  if (found.length === 0) throw new ConfigError(`Nothing of ${month} is archived; --list shows what is.`);
  for (const archived of found) {
    const { table, part, rows } = archived;
    const tenants = await tenantsOf(client, archived);
    const stale = await retokened(client, archived);
    await restoreMonth({ client, archived, folder: path.resolve(folder) });
    report.line(`${table} ${month}: ${count(rows, 'row')} are back.`);
    for (const name of stale)
      report.line(`Searches of ${name} find them after: npm run admin -- rotate-key index --tenant ${name}`);
    for (const tenantId of tenants) {
      await tell(repository, tenantId, {
        ...{ act: 'restoreMonth', method: 'DELETE', path: `/archives/${table}/${month}/${part}` },
      });
    }
  }
}

/** All of them, so that one run says all that is wrong. */
async function check({ client, sealKey }: Work, folder: string): Promise<void> {
  for (const archived of await listArchives(client)) {
    try {
      const counts = await checkArchive(askAs(client), archived, folder);
      const signed = await signShares(client, archived, counts, sealKey);
      report.line(`${nameOf(archived)}: as it was archived${signed > 0 ? ', and signed now' : ''}`);
    } catch (error) {
      if (!(error instanceof ArchiveError || error instanceof SealDifference)) throw error;
      report.line(`${nameOf(archived)}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}

function nameOf({ table, month, file, rows }: ArchivedFile): string {
  return `${table} ${month}, ${count(rows, 'row')}, ${file}`;
}

async function list(client: pg.Client): Promise<void> {
  const archives = await listArchives(client);
  report.table([
    ['table', 'month', 'rows', 'archived', 'by', 'file', 'SHA-256'],
    ...archives.map(({ table, month, rows, archivedAt, archivedBy, file, sha256 }) => [
      ...[table, month, String(rows), archivedAt.toISOString(), archivedBy, file, sha256.toString('hex')],
    ]),
  ]);
  for (const { name, patientId, heldAt, heldBy } of await listHolds(client)) {
    const what = patientId === null ? name : `Patient/${patientId} of ${name}`;
    report.line(`${what} is under legal hold since ${heldAt.toISOString()}, by ${heldBy}.`);
  }
}

async function hold({ client, repository }: Work, { kind, tenant }: Of<'hold' | 'release'>): Promise<void> {
  const { rows } = await client.query<{ id: number }>('SELECT id FROM store.tenant WHERE name = $1', [tenant]);
  const [found] = rows;
  if (!found) throw new ConfigError(`There is no tenant ${tenant}.`);
  const by = `${userInfo().username}@${hostname()}`;
  const isPlaced = kind === 'hold';
  const isNew = await (isPlaced ? placeHold(client, found.id, by) : releaseHold(client, found.id));
  // Also what changed nothing was asked for.
  const act = isPlaced ? 'placeLegalHold' : 'releaseLegalHold';
  await tell(repository, found.id, { act, method: isPlaced ? 'POST' : 'DELETE', path: '/legal-hold' });
  const others = (await listHolds(client)).filter(({ name }) => name === tenant);
  if (!isPlaced && others.length > 0) {
    return report.line(`Its administrators keep ${tenant} under ${count(others.length, 'legal hold')}; see --list.`);
  }
  report.line(`${tenant} is ${isNew ? 'now' : 'as before'} ${isPlaced ? '' : 'not '}under legal hold.`);
}

/** In the tenant, for its own auditors. */
async function tell(repository: Repository, tenantId: number, act: AdminAct): Promise<void> {
  const operator = serverCaller(tenantId, 'Operator (npm run archive)');
  await inSession(repository, operator, async (session) => recordAdminAct(session, act));
}
