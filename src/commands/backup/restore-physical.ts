// Makes a data directory of a physical backup: unpacked beside, recovered by PostgreSQL to its end or to a moment, stopped in good order.

import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../config.ts';
import { takeDataDirectory } from '../../database/data-directory.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../database/embedded.ts';
import { majorOfBinaries } from '../../database/embedded-cluster.ts';
import { findCluster, findPlace, type Place } from '../../database/embedded-place.ts';
import { rolePassword } from '../../database/role-password.ts';
import type { Manifest } from './manifest.ts';
import { unpackCluster } from './unpack.ts';
import { megabytes } from './write-physical.ts';

export interface RestoreOptions {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly dataDir: string;
  readonly rootKey: Buffer;
  /** Absent: as far as the backup goes. */
  readonly until?: Date;
  /** Of another major version than the one that npm brings. */
  readonly binaries?: string | undefined;
  /** Of a server of one's own: the role and the database in it are in the backup too. */
  readonly databaseUrl?: string | undefined;
  readonly progress: (text: string) => void;
}

/** An hour of recovery at least: it replays about 100 MB of the log in a second. */
const recoveryTimeoutMs = 4 * 3_600_000;

/** Gives the recovered server, which runs; nothing of the data directory was there before. */
export async function restorePhysical(options: RestoreOptions): Promise<EmbeddedPostgres> {
  const { dataDir, folder, binaries, manifest, progress } = options;
  requireMoment(options);
  const directory = takeDataDirectory(dataDir);
  try {
    const place = requireEmptyPlace(directory.path);
    requireBinaries(binaries ?? place.binaries, manifest);
    const half = `${place.cluster}.new`;
    rmSync(half, { recursive: true, force: true });
    const onBytes = (bytes: number) => progress(`${megabytes(bytes)} MB unpacked`);
    await unpackCluster({ folder, cluster: half, user: place.user, progress: onBytes });
    renameSync(half, place.cluster);
  } finally {
    directory.release();
  }
  progress('recovery');
  return await recover(options);
}

async function recover(options: RestoreOptions): Promise<EmbeddedPostgres> {
  const { dataDir, until, binaries, databaseUrl, rootKey, progress } = options;
  try {
    return await startEmbeddedPostgres({
      dataDir,
      password: rolePassword(rootKey, 'postgres'),
      log: progress,
      settings: recoverySettings(until),
      startTimeoutMs: recoveryTimeoutMs,
      ...(binaries === undefined ? {} : { binaries }),
      ...(databaseUrl === undefined ? {} : { urlAt: (port: number) => atPort(databaseUrl, port) }),
    });
  } catch (error) {
    // Half a recovery must not be taken for a database; the same command may come again with another moment.
    rmSync(findCluster(dataDir), { recursive: true, force: true });
    if (until && endedTooSoon(dataDir)) {
      throw new ConfigError(
        `The backup holds no transaction of ${until.toISOString()} or later: without --until all that it holds is restored.`,
      );
    }
    throw error;
  }
}

/** As PostgreSQL's log says it: the moment wanted is behind all that the backup holds. */
function endedTooSoon(dataDir: string): boolean {
  const log = path.join(dataDir, 'postgres.log');
  return existsSync(log) && readFileSync(log, 'utf8').includes('recovery ended before configured recovery target');
}

/** Nobody gets in before it has come to the end; then it goes on as a server of its own, which archives nothing. */
function recoverySettings(until: Date | undefined): Record<string, string> {
  return {
    restore_command: 'false',
    hot_standby: 'off',
    archive_mode: 'off',
    recovery_target_action: 'promote',
    ...(until ? { recovery_target_time: until.toISOString().replace('Z', '+00') } : {}),
  };
}

function requireMoment({ until, manifest }: RestoreOptions): void {
  if (until === undefined || until.getTime() >= Date.parse(manifest.finishedAt)) return;
  throw new ConfigError(
    `The backup was finished at ${manifest.finishedAt}: it can be restored to that moment or a later one.`,
  );
}

function requireEmptyPlace(dataDir: string): Place {
  const place = findPlace(dataDir);
  if (existsSync(place.cluster))
    throw new ConfigError(`There is a database in ${place.cluster}; a restore overwrites nothing.`);
  return place;
}

function requireBinaries(binaries: string, { postgresql }: Manifest): void {
  const major = majorOfBinaries(binaries);
  if (major === postgresql.major) return;
  throw new ConfigError(
    `The backup is of PostgreSQL ${postgresql.major} and the one in ${binaries} is ${major}; name another with --binaries.`,
  );
}

function atPort(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

export function requireNoObjects(dataDir: string): void {
  const folder = path.join(dataDir, 'objects');
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  throw new ConfigError(`${folder} is not empty; a restore overwrites nothing.`);
}

/** Copied, or for a look only as a link. */
export function restoreObjects(folder: string, dataDir: string, how: 'copy' | 'link'): void {
  const [from, to] = [path.join(folder, 'objects'), path.join(dataDir, 'objects')];
  if (!existsSync(from)) return;
  if (how === 'link') symlinkSync(from, to);
  else cpSync(from, to, { recursive: true });
}
