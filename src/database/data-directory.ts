// One server process per data directory: a lock file that names its owner and never outlives it by mistake.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

export interface DataDirectory {
  /** The real path, the same however the directory was named. */
  readonly path: string;
  release(): void;
}

/** Makes the directory when it is not there, and takes it for this process; throws when another live process holds it. */
export function takeDataDirectory(name: string): DataDirectory {
  makeDataDirectory(name);
  const directory = realpathSync(name);
  const lock = path.join(directory, 'hpms.lock');
  const mine = `${process.pid} ${processIdentity(process.pid)}\n`;
  while (!writeNew(lock, mine)) removeIfStale(lock, directory);
  return {
    path: directory,
    release() {
      if (readIfThere(lock) === mine) rmSync(lock, { force: true });
    },
  };
}

/** Others may pass through it (PostgreSQL's own user must, when root starts us) but not list it; what it holds is closed. */
export function makeDataDirectory(name: string): void {
  if (mkdirSync(name, { recursive: true })) chmodSync(name, 0o711);
}

/** Tells a live process from a later one with the same number; undefined when it is gone, or dead and not yet reaped. */
export function processIdentity(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat !== undefined) {
    // The fields after the command's closing bracket: the first is the state, the twentieth the start in ticks since boot.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readIfThere('/proc/sys/kernel/random/boot_id')?.trim()}:${fields[19]}`;
  }
  if (process.platform === 'linux') return undefined;
  const line = ps(pid, 'stat=,lstart=');
  return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
}

/** Whether a process works in this folder, as a postmaster does in its cluster; on Linux also after the folder was moved. */
export function worksIn(pid: number, folder: string): boolean {
  if (process.platform !== 'linux') return ps(pid, 'command=').includes(folder);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch {
    return false;
  }
}

function ps(pid: number, columns: string): string {
  try {
    return execFileSync('ps', ['-o', columns, '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** Moves a dead owner's lock away; the rename decides between several processes that found it at once. */
function removeIfStale(lock: string, directory: string): void {
  const found = readIfThere(lock);
  if (found === undefined) return;
  refuseWhenAlive(found, directory);
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  const moved = readIfThere(aside);
  if (moved !== found) {
    // Another process was faster and this is its new lock: give it back.
    linkSync(aside, lock);
    rmSync(aside);
    refuseWhenAlive(moved ?? '', directory);
    return;
  }
  rmSync(aside);
}

function refuseWhenAlive(owner: string, directory: string): void {
  const [pid, ...identity] = owner.trim().split(' ');
  if (!pid || processIdentity(Number(pid)) !== identity.join(' ')) return;
  throw new Error(
    `Another HPMS (process ${pid}) is running on the data directory ${directory}. ` +
      'Stop it first, or give this one a directory of its own with HPMS_DATA_DIR.',
  );
}

function writeNew(file: string, text: string): boolean {
  // Written aside and linked into place, so that nobody ever reads a lock that is only half written.
  const aside = `${file}.new.${process.pid}`;
  writeFileSync(aside, text, { mode: 0o600 });
  try {
    linkSync(aside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(aside);
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
