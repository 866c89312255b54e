// `npm run restore`: makes a new data directory, or fills an empty database, from a backup (README, Backup).

import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, ConfigError, readConfig } from '../config.ts';
import { startEmbeddedPostgres } from '../database/embedded.ts';
import { findCluster } from '../database/embedded-place.ts';
import { rolePassword } from '../database/role-password.ts';
import { findWrongFiles } from './backup/check-files.ts';
import { withClient } from './backup/database-facts.ts';
import { exitOnSignal } from './backup/exit-on-signal.ts';
import { loadLogical } from './backup/load-logical.ts';
import { type Manifest, readManifest, requireRootKey } from './backup/manifest.ts';
import { requireNoObjects, restoreObjects, restorePhysical } from './backup/restore-physical.ts';
import { count, Report } from './demo/report.ts';

const usage = `Use: npm run restore -- --from FOLDER [--to DATADIR] [--until TIME] [--binaries FOLDER]
  --to        the data directory to make, by default HPMS_DATA_DIR; without it a logical backup goes into DATABASE_URL if that is set
  --until     the moment to stop at, such as 2026-11-20T20:45:00Z, for a backup that followed its server
  --binaries  the folder of postgres, for a physical backup of another major version than the one that npm brings
The root key is not in the backup: ROOT_KEY must be set, or root.key must be in the data directory.`;

interface Arguments {
  readonly from: string;
  readonly to?: string | undefined;
  readonly until?: Date;
  readonly binaries?: string | undefined;
}

const keyNames = ['ROOT_KEY', 'ROOT_KEY_FILE', 'SERVER_SECRET', 'SERVER_SECRET_FILE'];

const report = new Report(process.stdout);
exitOnSignal();
try {
  await run(readArguments(process.argv.slice(2)));
} catch (error) {
  console.error(isOnPurpose(error) ? error.message : error);
  process.exitCode = 2;
}

/** Anything else is a fault of ours, with its place. */
function isOnPurpose(error: unknown): error is Error {
  return error instanceof ConfigError || (error instanceof Error && error.constructor === Error);
}

function readArguments(args: readonly string[]): Arguments {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ args: [...args], options: { from: text, to: text, until: text, binaries: text } });
    const { from, to, binaries } = values;
    const until = values.until === undefined ? undefined : new Date(values.until);
    if (from !== undefined && !Number.isNaN(until?.getTime())) {
      return { from: path.resolve(from), to, binaries, ...(until ? { until } : {}) };
    }
  } catch {
    // It says what it does not know; people want to know what there is.
  }
  throw new ConfigError(usage);
}

async function run({ from: folder, to, until, binaries }: Arguments): Promise<void> {
  const manifest = readManifest(folder);
  const config = readConfigOf(to);
  requireRootKey(manifest, config.crypto.rootKey);
  const startedAt = performance.now();
  const progress = (text: string) => report.progress(text);
  const wrong = await findWrongFiles({ folder, manifest, rootKey: config.crypto.rootKey }, progress);
  if (wrong.length > 0) throw new ConfigError(`The backup is damaged, nothing was restored:\n  ${wrong.join('\n  ')}`);
  const { dataDir } = config;
  const { rootKey } = config.crypto;
  requireNoObjects(dataDir);
  if (manifest.kind === 'logical') {
    if (until) throw new ConfigError('A logical backup is of one moment; --until is for one that followed its server.');
    await fill(config, to, { folder, manifest, rootKey, progress });
  } else {
    const databaseUrl = config.database.url;
    const server = await restorePhysical({
      ...{ folder, manifest, dataDir, rootKey, binaries, databaseUrl, progress },
      ...(until ? { until } : {}),
    });
    try {
      report.line(`The last transaction in it was committed at ${await lastCommit(server.url)}.`);
    } finally {
      await server.stop();
    }
    if (databaseUrl !== undefined)
      report.line(`Its files are in ${findCluster(dataDir)}, for your own PostgreSQL to be started on.`);
  }
  restoreObjects(folder, dataDir, 'copy');
  tellResult(manifest, config, performance.now() - startedAt);
}

/** A data directory without the key it needs must not be given a new one in passing, as a first start would. */
function readConfigOf(to: string | undefined): Config {
  const env: NodeJS.ProcessEnv = { ...process.env, ...(to === undefined ? {} : { HPMS_DATA_DIR: to }) };
  const dataDir = path.resolve(env.HPMS_DATA_DIR || '.data');
  if (!keyNames.some((name) => env[name]) && !existsSync(path.join(dataDir, 'root.key'))) {
    // Where the root key is elsewhere, that file holds the server's secret, and a ROOT_KEY would be one too many.
    const [key, name] = env.ROOT_KEY_URL ? ["the server's secret", 'SERVER_SECRET'] : ['the root key', 'ROOT_KEY'];
    throw new ConfigError(`Put your copy of ${key} into ${path.join(dataDir, 'root.key')}, or set ${name}.`);
  }
  return readConfig(env);
}

interface Filling {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly rootKey: Buffer;
  readonly progress: (text: string) => void;
}

async function fill(config: Config, to: string | undefined, filling: Filling): Promise<void> {
  const { database, dataDir } = config;
  if (database.url !== undefined && to === undefined)
    return await loadLogical({ ...filling, databaseUrl: database.url });
  if (existsSync(findCluster(dataDir))) {
    throw new ConfigError(`There is a database in ${findCluster(dataDir)}; a restore overwrites nothing.`);
  }
  const password = rolePassword(filling.rootKey, 'postgres');
  const server = await startEmbeddedPostgres({ dataDir, password, log: filling.progress });
  try {
    await loadLogical({ ...filling, databaseUrl: server.url });
  } finally {
    await server.stop();
  }
}

function lastCommit(databaseUrl: string): Promise<string> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ at: Date | null }>(
      `SELECT max(time) AS at FROM (
         SELECT max(last_updated) AS time FROM store.resource UNION ALL SELECT max(last_updated) FROM store.audit_event) AS times`,
    );
    return rows[0]?.at?.toISOString() ?? 'no time';
  });
}

function tellResult({ kind, objects, list, finishedAt }: Manifest, config: Config, durationMs: number): void {
  const { dataDir, crypto } = config;
  const seconds = (durationMs / 1_000).toFixed(1);
  report.line(`Restored the ${kind} backup of ${finishedAt} to ${dataDir} in ${seconds} s.`);
  report.line(`${count(list.files, 'file')} were as they were written, ${count(objects, 'object')} among them.`);
  const { keyDir } = crypto.root;
  if (keyDir !== undefined && !existsSync(keyDir)) {
    report.line(`Put your copy of the tenants' keys into ${keyDir}; without it nothing of theirs can be read.`);
  }
}
