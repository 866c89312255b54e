// The embedded PostgreSQL's cluster: made once with checksums and our own collation, configured at every start.

import { execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import { giveTo, type Place } from './embedded-place.ts';
import { makeSocketFolder, socketFolderOf } from './embedded-socket.ts';

/** The major version that made the cluster; undefined where there is none. */
export function majorOfCluster(cluster: string): number | undefined {
  const file = path.join(cluster, 'PG_VERSION');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
}

export function majorOfBinaries(binaries: string): number {
  const text = execFileSync(path.join(binaries, 'postgres'), ['--version'], { encoding: 'utf8' });
  return Number(/\d+/.exec(text)?.[0]);
}

const upgraded = '.upgraded';

/** Puts a new cluster in the place of an old one, which stays beside it; `finishExchange` does the rest of a half-done one. */
export function exchangeClusters({ cluster }: Place, made: string, old: string): void {
  renameSync(made, cluster + upgraded);
  renameSync(cluster, old);
  finishExchange(cluster);
}

export function finishExchange(cluster: string): void {
  if (!existsSync(cluster) && existsSync(cluster + upgraded)) renameSync(cluster + upgraded, cluster);
}

/** PostgreSQL would say so too, but not what to do. */
export function requireSameMajor({ cluster, binaries }: Place): void {
  const [made, ours] = [majorOfCluster(cluster), majorOfBinaries(binaries)];
  if (made === undefined || made === ours) return;
  throw new Error(
    `The database in ${cluster} was made by PostgreSQL ${made}, and this HPMS brings PostgreSQL ${ours}. ` +
      (made < ours ? 'Run `npm run upgrade-database` once.' : 'It needs the HPMS that made it, or a newer one.'),
  );
}

/**
 * Durable (nothing is switched off for speed) and silent: the text of an error and the statement it stems from may quote a
 * value, so errors are logged by us, who know what may be said, and PostgreSQL's own log keeps what concerns the server.
 * A backup that follows the log and loses its connection goes on where it was, if the log is still there: `wal_keep_size`.
 */
const configuration = (
  socketFolder: string | undefined,
) => `# Written by HPMS at every start; your own settings: ALTER SYSTEM.
listen_addresses = '127.0.0.1'
unix_socket_directories = '${socketFolder ?? ''}'
max_connections = 100
password_encryption = 'scram-sha-256'
shared_buffers = '${sharedBuffersMegabytes()}MB'
fsync = on
synchronous_commit = on
full_page_writes = on
max_wal_size = '1GB'
wal_keep_size = '256MB'
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

/** Who may come in, and make backups, as initdb writes it. */
const rules = [
  'local all all',
  'host all all 127.0.0.1/32',
  'local replication all',
  'host replication all 127.0.0.1/32',
]
  .map((whom) => `${whom} scram-sha-256\n`)
  .join('');

export function configure(place: Place): void {
  // A restored cluster of a server that keeps its configuration elsewhere has none.
  if (!existsSync(path.join(place.cluster, 'pg_hba.conf'))) {
    write(place, 'pg_hba.conf', rules);
    write(place, 'pg_ident.conf', '');
  }
  const socketFolder = socketFolderOf(place.cluster);
  if (socketFolder !== undefined) makeSocketFolder(socketFolder, place);
  write(place, 'postgresql.conf', configuration(socketFolder));
}

function write(place: Place, name: string, text: string): void {
  const file = path.join(place.cluster, name);
  writeFileSync(file, text, { mode: 0o600 });
  giveTo(place.user, file);
}

/** Collation and character classes are PostgreSQL's own (C.UTF-8), so that an index does not depend on the machine's C library. */
export async function makeCluster(place: Place, password: string): Promise<void> {
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
export function surroundings(place: Place): SpawnOptions {
  return { ...place.user, cwd: '/', env: { LC_ALL: 'C', PATH: process.env.PATH ?? '' } };
}
