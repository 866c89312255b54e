// Starts the processes that the fault tests end: the real `node src/main.ts`, and workers that kill themselves at a failure point.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { testRootKey } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { publicUrl } from '../support/server.ts';
import type { WorkerProcessOptions } from './worker-process.ts';

export interface LogLine {
  readonly msg: string;
  readonly level: number;
  readonly [field: string]: unknown;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  /** Everything it has logged so far. */
  readonly lines: readonly LogLine[];
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Resolves with the first line of this message; rejects when the process ends without it. */
  said(message: string): Promise<LogLine>;
}

export interface MainProcess extends RunningProcess {
  readonly origin: string;
}

const living = new Set<ChildProcess>();

/** What a failed test has left running. SIGTERM, since a server with a PostgreSQL of its own must take it along. */
export async function endProcesses(): Promise<void> {
  await Promise.all(
    [...living].map(async (child) => {
      child.kill('SIGTERM');
      await once(child, 'close');
    }),
  );
}

const root = path.join(import.meta.dirname, '..', '..');

/** `node src/main.ts [part]` as an operator starts it; without `databaseUrl` it brings its own PostgreSQL. */
export async function startMain(
  part: 'all' | 'api' | 'worker',
  options: {
    readonly dataDir: string;
    readonly databaseUrl?: string;
    readonly redisUrl?: string;
    readonly env?: NodeJS.ProcessEnv;
  },
): Promise<MainProcess> {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    ROOT_KEY: testRootKey.toString('hex'),
    HPMS_DATA_DIR: options.dataDir,
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl,
    ...options.env,
  };
  const running = start([path.join(root, 'src', 'main.ts'), part], env);
  await running.said('ready');
  return { ...running, origin: `http://127.0.0.1:${port}` };
}

export function startWorker(options: WorkerProcessOptions): RunningProcess {
  return start([path.join(import.meta.dirname, 'worker-process.ts'), JSON.stringify(options)], process.env);
}

function start(args: string[], env: NodeJS.ProcessEnv): RunningProcess {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  living.add(child);
  const lines: LogLine[] = [];
  const listeners = new Set<() => void>();
  createInterface(child.stdout!).on('line', (text) => {
    lines.push(readLine(text));
    for (const listener of listeners) listener();
  });
  const exited = once(child, 'close').then(([code, signal]) => {
    living.delete(child);
    return { code, signal };
  });
  return {
    child,
    lines,
    exited,
    said: (message) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(({ msg }) => msg === message);
          if (!found) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        void exited.then(({ code, signal }) => {
          reject(new Error(`The process ended (${signal ?? code}) without saying "${message}":\n${lastOf(lines)}`));
        });
      }),
  };
}

/** What is no JSON (the welcome) counts as a message. */
function readLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: 0, msg: text };
  }
}

function lastOf(lines: readonly LogLine[]): string {
  return lines
    .slice(-5)
    .map((line) => JSON.stringify(line))
    .join('\n');
}
