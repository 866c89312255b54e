// The embedded PostgreSQL's main process as its pid file shows it, to another process of ours or to the next start:
// https://www.postgresql.org/docs/18/storage-file-layout.html

import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processIdentity, worksIn } from './data-directory.ts';
import { findCluster } from './embedded-place.ts';
import { findSocketFolder } from './embedded-socket.ts';

const stopTimeoutMs = 30_000;

/** Of the superuser, for a command beside a running server; undefined when none runs on this data directory. */
export function runningPostgresUrl(options: {
  readonly dataDir: string;
  readonly password: string;
}): string | undefined {
  if (!existsSync(options.dataDir)) return undefined;
  const cluster = findCluster(realpathSync(options.dataDir));
  const text = readPidFile(cluster);
  const [pid = '', , , port = '', , , , status = ''] = text?.split('\n') ?? [];
  if (status.trim() !== 'ready' || !lives(Number(pid), cluster)) return undefined;
  return embeddedUrl(options.password, Number(port), findSocketFolder(cluster, Number(port)));
}

/** A folder of a Unix socket stands in the place of the host: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS */
export function embeddedUrl(password: string, port: number, socketFolder: string | undefined): string {
  const host = socketFolder === undefined ? '127.0.0.1' : encodeURIComponent(socketFolder);
  return `postgres://postgres:${encodeURIComponent(password)}@${host}:${port}/postgres`;
}

/** A postmaster whose Node was killed lives on. The caller holds the data directory's lock, so it is nobody's and may be stopped. */
export async function endOrphan(cluster: string, log: (line: string) => void): Promise<void> {
  const text = readPidFile(cluster);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  if (!lives(pid, cluster)) {
    // The number may be another process's by now, or a zombie's, and PostgreSQL would believe in it; its parent's number (ours)
    // it takes for stale, and still looks whether sessions of the dead postmaster hold its shared memory.
    writeFileSync(pidFileOf(cluster), text.replace(/^\d+/, String(process.pid)));
    return;
  }
  log(`Stopping the PostgreSQL (process ${pid}) that an earlier, killed HPMS has left behind.`);
  const deadline = Date.now() + stopTimeoutMs;
  signal(pid, 'SIGINT');
  while (lives(pid, cluster)) {
    await delay(20);
    if (Date.now() > deadline) signal(pid, 'SIGQUIT');
  }
}

function lives(pid: number, cluster: string): boolean {
  return processIdentity(pid) !== undefined && worksIn(pid, cluster);
}

function readPidFile(cluster: string): string | undefined {
  const file = pidFileOf(cluster);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function pidFileOf(cluster: string): string {
  return path.join(cluster, 'postmaster.pid');
}

function signal(pid: number, name: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}
