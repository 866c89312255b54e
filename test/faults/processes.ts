// Starts the processes that the fault tests end: the real `node src/main.ts`, and workers that kill themselves at a failure point.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { testRootKey } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { toldToAll } from '../support/run-command.ts';
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
    /** The descriptor that its log goes to; then no line of it is seen here. */
    readonly logTo?: number;
    /** A command that runs it. */
    readonly within?: readonly string[];
  },
): Promise<MainProcess> {
  const port = await freePort();
  const env = {
    ...toldToAll(),
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    ROOT_KEY: testRootKey.toString('hex'),
    HPMS_DATA_DIR: options.dataDir,
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl,
    ...options.env,
  };
  const command = [...(options.within ?? []), process.execPath, path.join(root, 'src', 'main.ts'), part];
  const running = start(command, env, options.logTo);
  const origin = `http://127.0.0.1:${port}`;
  await (options.logTo === undefined ? running.said('ready') : isReady(origin, running));
  return { ...running, origin };
}

async function isReady(origin: string, { exited }: RunningProcess): Promise<void> {
  let hasEnded = false;
  void exited.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    const ready = await fetch(`${origin}/readyz`).catch(() => undefined);
    await ready?.body?.cancel();
    if (ready?.status === 200) return;
    await delay(50);
  }
  throw new Error('The process ended before it was ready.');
}

export function startWorker(options: WorkerProcessOptions): RunningProcess {
  const command = [process.execPath, path.join(import.meta.dirname, 'worker-process.ts'), JSON.stringify(options)];
  return start(command, process.env);
}

function start(command: string[], env: NodeJS.ProcessEnv, logTo: number | 'pipe' = 'pipe'): RunningProcess {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env, stdio: ['ignore', logTo, 'inherit'] });
  living.add(child);
  const lines: LogLine[] = [];
  const listeners = new Set<() => void>();
  const onLine = (text: string) => {
    lines.push(readLine(text));
    for (const listener of listeners) listener();
  };
  if (child.stdout) createInterface(child.stdout).on('line', onLine);
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
