// An HPMS of its own as a process of its own, as `npm start` runs it, on a PostgreSQL that archives its WAL and logs all statements.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { runningPostgresUrl } from '../../src/database/postmaster.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import type { RootSettings } from '../../src/root-settings.ts';
import type { ConnectionFacts } from '../../src/tenants/connection-facts.ts';
import { withClient } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';

export interface Hpms {
  /** Everything it and its PostgreSQL write is below. */
  readonly folder: string;
  readonly folders: Folders;
  readonly origin: string;
  readonly rootKey: Buffer;
  readonly root: RootSettings;
  /** As superuser. */
  readonly databaseUrl: string;
  readonly facts: ConnectionFacts;
  /** What its process was given, for commands beside it. */
  readonly environment: Readonly<Record<string, string>>;
  /** As SIGTERM does. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

export interface Folders {
  readonly data: string;
  readonly archive: string;
  /** For dumps; PostgreSQL may write there. */
  readonly dump: string;
  readonly logs: string;
  readonly tmp: string;
}

const startTimeoutMs = 60_000;

export async function startHpms(redisUrl?: string): Promise<Hpms> {
  const folder = makeTemporaryFolder();
  const folders = makeFolders(folder);
  const rootKey = randomBytes(32);
  await prepareCluster(folders, rolePassword(rootKey, 'postgres'));
  const port = await freePort();
  const logFile = path.join(folders.logs, 'hpms.log');
  const environment = {
    PATH: process.env.PATH ?? '',
    HPMS_DATA_DIR: folders.data,
    PORT: String(port),
    ROOT_KEY: rootKey.toString('hex'),
    LOG_LEVEL: 'trace',
    TMPDIR: folders.tmp,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
  };
  const child = spawnServer(logFile, environment);
  await untilReady(child, logFile);
  const stop = () => stopServer(child, logFile);
  return {
    folder,
    folders,
    origin: `http://127.0.0.1:${port}`,
    rootKey,
    environment,
    root: { current: { kind: 'local', key: rootKey }, keyDir: path.join(folders.data, 'keys'), cacheMs: 3_600_000 },
    databaseUrl: runningPostgresUrl({ dataDir: folders.data, password: rolePassword(rootKey, 'postgres') })!,
    facts: JSON.parse(readFileSync(path.join(folders.data, 'demo.json'), 'utf8')) as ConnectionFacts,
    stop,
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Looks until it is so; jest's timeout is the limit. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(20);
}

function makeFolders(folder: string): Folders {
  const make = (name: string, mode: number) => {
    const made = path.join(folder, name);
    mkdirSync(made);
    // The process's umask counts for `mkdir`.
    chmodSync(made, mode);
    return made;
  };
  return {
    data: make('data', 0o711),
    archive: make('archive', 0o777),
    dump: make('dump', 0o777),
    logs: make('logs', 0o700),
    tmp: make('tmp', 0o700),
  };
}

/** The text of each statement may be logged and counted, for no value is ever part of one; their parameters stay out as always. */
async function prepareCluster(folders: Folders, password: string): Promise<void> {
  const postgres = await startEmbeddedPostgres({ dataDir: folders.data, password, log: console.error });
  try {
    await withClient(postgres.url, async (client) => {
      await client.query("ALTER SYSTEM SET archive_mode = 'on'");
      await client.query(`ALTER SYSTEM SET archive_command = 'cp "%p" "${folders.archive}/%f"'`);
      await client.query("ALTER SYSTEM SET log_statement = 'all'");
      await client.query("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
    });
  } finally {
    await postgres.stop();
  }
}

function spawnServer(logFile: string, settings: Record<string, string>): ChildProcess {
  const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', log, log],
    env: settings,
  });
  closeSync(log);
  // An interrupted run takes it along.
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

async function untilReady(child: ChildProcess, logFile: string): Promise<void> {
  for (const end = Date.now() + startTimeoutMs; !readFileSync(logFile, 'utf8').includes('"msg":"ready"'); ) {
    if (hasEnded(child) || Date.now() > end) {
      child.kill('SIGTERM');
      throw new Error(`HPMS did not start:\n${readFileSync(logFile, 'utf8')}`);
    }
    await delay(20);
  }
}

async function stopServer(child: ChildProcess, logFile: string): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`HPMS ended with code ${code}:\n${warningsOf(logFile)}`);
}

/** The last of what is more than information. */
function warningsOf(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').split('\n');
  return lines
    .filter((line) => !line.startsWith('{"level":30'))
    .join('\n')
    .slice(-4_000);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
