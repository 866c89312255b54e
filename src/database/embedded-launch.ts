// Starts a PostgreSQL on a cluster of ours and waits until it answers: https://www.postgresql.org/docs/18/server-start.html

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { surroundings } from './embedded-cluster.ts';
import type { Place } from './embedded-place.ts';

export interface Run {
  readonly place: Place;
  readonly logFile: string;
  /** For the superuser, who must be let in. */
  readonly urlAt: (port: number) => string;
  readonly settings: Readonly<Record<string, string>>;
  readonly startTimeoutMs: number;
  readonly log: (line: string) => void;
}

const fastStopTimeoutMs = 30_000;
const logBytesMax = 10_000_000;

/** One attempt may fail while sessions of a killed predecessor still let go of its shared memory: so there are several. */
export async function launch(run: Run, port: number): Promise<ChildProcess> {
  const { cluster, binaries } = run.place;
  const deadline = Date.now() + run.startTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const log = openSync(run.logFile, logMode(run.logFile), 0o600);
    const child = spawn(path.join(binaries, 'postgres'), ['-D', cluster, '-p', String(port), ...settingsOf(run)], {
      ...surroundings(run.place),
      stdio: ['ignore', log, log],
      // A process group of its own: Ctrl-C reaches only us, and PostgreSQL stays up while requests and jobs drain.
      detached: true,
    });
    closeSync(log);
    try {
      if (await becomesReady(child, run.urlAt(port), cluster, deadline)) return child;
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
    if (Date.now() > deadline) throw new Error(`PostgreSQL did not become ready in time.`);
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

function settingsOf({ settings }: Run): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

export async function endChild(child: ChildProcess, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = once(child, 'exit');
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGQUIT'), fastStopTimeoutMs);
  await ended;
  clearTimeout(patience);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
