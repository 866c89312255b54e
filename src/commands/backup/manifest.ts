// What a backup says of itself, in `manifest.json`: written last, so that a folder without it is no backup.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '../../config.ts';
import { rolePassword } from '../../database/role-password.ts';
import { makeFolder } from '../make-folder.ts';
import type { Partition } from './logical-tables.ts';

export interface Manifest {
  readonly format: 1;
  /** The files of a cluster, or the rows of its tables. */
  readonly kind: 'physical' | 'logical';
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly postgresql: { readonly version: string; readonly major: number };
  readonly database: string;
  readonly migrations: readonly string[];
  /** Tells one root key from another and says nothing about it. */
  readonly rootKeyId: string;
  readonly leftOut: readonly string[];
  readonly list: { readonly sha256: string; readonly files: number; readonly bytes: number };
  readonly objects: number;
  /** Of a physical one. */
  readonly wal?: WalFacts;
  /** Of a logical one. */
  readonly tables?: readonly TableFacts[];
  readonly partitions?: readonly Partition[];
  /** Numbers of transactions in its rows are below this. */
  readonly transactions?: string;
  /** What follows the backup is listed under MACs: followed-list.ts; absent in those of before. */
  readonly isFollowedSigned?: true;
  /** Of all the above, by a key that follows from the root key. */
  readonly mac?: string;
}

export interface WalFacts {
  readonly systemId: string;
  readonly timeline: number;
  readonly startLsn: string;
  readonly endLsn: string;
  readonly segmentBytes: number;
}

export interface TableFacts {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: number;
  /** Of the column that counts by one; null where it has not begun. */
  readonly sequence?: { readonly column: string; readonly last: string | null };
}

export const lists = { whole: 'files.sha256', followed: 'followed.sha256' } as const;
const manifestName = 'manifest.json';

/** Whoever has a backup must not have the keys with it. */
export const leftOut: readonly string[] = [
  'the root key (ROOT_KEY, root.key)',
  "the tenants' keys (KEY_DIR, keys/)",
  'what else is in the data directory beside the database and objects/, such as anchors, demo.json and logs',
];

/** For a new backup: an empty folder, closed to others. */
export async function makeBackupFolder(folder: string): Promise<void> {
  await makeFolder(folder);
  const names = await readdir(folder);
  if (names.length === 0) return;
  const isHalf = !hasManifest(folder) && names.includes('wal');
  throw new ConfigError(
    isHalf
      ? `${folder} has half a backup, which was not finished: remove it, or name another folder.`
      : `${folder} is not empty; a backup has a folder of its own.`,
  );
}

export function hasManifest(folder: string): boolean {
  return existsSync(path.join(folder, manifestName));
}

/** Gives it with its MAC. */
export async function writeManifest(folder: string, manifest: Manifest, rootKey: Buffer): Promise<Manifest> {
  const signed = { ...manifest, mac: macOf(manifest, rootKey) };
  const file = path.join(folder, manifestName);
  const handle = await open(`${file}.part`, 'w', 0o600);
  await handle.writeFile(`${JSON.stringify(signed, undefined, 2)}\n`);
  await handle.sync();
  await handle.close();
  await rename(`${file}.part`, file);
  const directory = await open(folder, 'r');
  await directory.sync();
  await directory.close();
  return signed;
}

export function readManifest(folder: string): Manifest {
  if (!hasManifest(folder)) throw new ConfigError(`${folder} has no ${manifestName}: there is no whole backup in it.`);
  const manifest = JSON.parse(readFileSync(path.join(folder, manifestName), 'utf8')) as Manifest;
  if (manifest.format !== 1) throw new ConfigError(`${folder} was written by a newer HPMS.`);
  return manifest;
}

export function rootKeyId(rootKey: Buffer): string {
  return createHash('sha256').update(rolePassword(rootKey, 'backup')).digest('hex').slice(0, 16);
}

/** Also that nobody without the root key has changed the manifest, and with it the list of files and what it says of them. */
export function requireRootKey({ mac = '', ...manifest }: Manifest, rootKey: Buffer): void {
  if (manifest.rootKeyId !== rootKeyId(rootKey)) {
    throw new ConfigError(
      'This is not the root key that the backup was made with; nothing in it could be read with it.',
    );
  }
  const [given, expected] = [Buffer.from(mac), Buffer.from(macOf(manifest, rootKey))];
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new ConfigError(`${manifestName} is not as it was written: somebody has changed this backup.`);
}

function macOf(manifest: Manifest, rootKey: Buffer): string {
  const key = rolePassword(rootKey, 'backup manifest');
  return createHmac('sha256', key).update(JSON.stringify(manifest)).digest('hex');
}
