// The processes under test, each a child of this one: the server as `npm start` runs it, and the floor beside it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { startOptions } from '../../src/commands/demo/start-options.ts';
import type { Config } from '../../src/config.ts';
import { findCluster } from '../../src/database/embedded-place.ts';
import { runningPostgresUrl } from '../../src/database/postmaster.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import type { RootSettings } from '../../src/root-settings.ts';
import type { FhirApi } from './fhir-api.ts';

export interface RunningProcess {
  readonly pid: number;
  /** From its start to its being ready. */
  readonly startSeconds: number;
  stop(): Promise<void>;
}

const top = path.join(import.meta.dirname, '..', '..');
const startDeadlineMs = 120_000;

/** Everything is on as it is by default, its log goes to `server.log` in the data directory. */
export async function startServer(dataDir: string, port: number): Promise<RunningProcess> {
  const log = path.join(dataDir, 'server.log');
  const env = { HPMS_DATA_DIR: dataDir, PORT: String(port) };
  const running = await start(path.join(top, 'src', 'main.ts'), env, log, '"msg":"ready"');
  const { statusCode, body } = await request(`http://127.0.0.1:${port}/readyz`);
  if (statusCode !== 200)
    throw new Error(`The server says it is ready, but /readyz is ${statusCode}: ${await body.text()}`);
  await body.dump();
  return running;
}

/** The last of what the server logged as an error. */
export function serverErrors(dataDir: string): string {
  const file = path.join(dataDir, 'server.log');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines
    .filter((line) => !/"level":[1-4]0/.test(line))
    .slice(-5)
    .join('\n');
}

export interface FloorOptions {
  readonly dataDir: string;
  readonly tenantId: number;
  readonly port: number;
  /** Of the server. */
  readonly api: Pick<FhirApi, 'clientId' | 'origin'>;
}

/** On the same PostgreSQL and the same tenant as the server. */
export async function startFloor({ dataDir, tenantId, port, api }: FloorOptions): Promise<RunningProcess> {
  const env = {
    DATABASE_URL: superuserUrl(dataDir),
    ROOT_KEY: rootKeyOf(dataDir).toString('base64'),
    KEY_DIR: path.join(dataDir, 'keys'),
    TENANT_ID: String(tenantId),
    CLIENT_ID: api.clientId,
    SITE: api.origin,
    PORT: String(port),
  };
  const file = path.join(import.meta.dirname, 'floor.ts');
  return await start(file, env, path.join(dataDir, 'floor.log'), 'ready');
}

/** The API on the same PostgreSQL, without the access trail or with its blocks alone. */
export async function startAuditServer(
  dataDir: string,
  publicUrl: string,
  { part, port }: { readonly part: 'blocks' | 'itself' | 'off' | 'worker'; readonly port: number },
): Promise<RunningProcess> {
  const env = {
    HPMS_DATA_DIR: dataDir,
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    RUNNING_DATABASE_URL: superuserUrl(dataDir),
  };
  const file = path.join(import.meta.dirname, 'audit-server.ts');
  return await start(file, env, path.join(dataDir, `audit-${part}.log`), '"msg":"ready"', [part]);
}

/** Ready is what it writes to its log; the log of an earlier start is overwritten. */
async function start(
  file: string,
  env: Readonly<Record<string, string>>,
  logFile: string,
  ready: string,
  args: readonly string[] = [],
): Promise<RunningProcess> {
  const startedAt = performance.now();
  const log = openSync(logFile, 'w', 0o600);
  const { PATH = '', NODE_OPTIONS = '' } = process.env;
  // With the options of `npm start`, the floor too.
  const child = spawn(process.execPath, [...startOptions(), file, ...args], {
    env: { PATH, NODE_OPTIONS, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  process.once('exit', () => child.kill());
  const deadline = startedAt + startDeadlineMs;
  while (!readFileSync(logFile, 'utf8').includes(ready)) {
    if (hasEnded(child) || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${file} did not start. It said:\n${readFileSync(logFile, 'utf8').slice(-4_000)}`);
    }
    await sleep(5);
  }
  const startSeconds = (performance.now() - startedAt) / 1_000;
  return { pid: child.pid as number, startSeconds, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

export function rootKeyOf(dataDir: string): Buffer {
  return Buffer.from(readFileSync(path.join(dataDir, 'root.key'), 'utf8').trim(), 'base64');
}

/** With which another process opens what that server has sealed. */
export function keysOf(dataDir: string): Config['crypto'] & { readonly root: RootSettings } {
  const rootKey = rootKeyOf(dataDir);
  const root = {
    current: { kind: 'local', key: rootKey },
    keyDir: path.join(dataDir, 'keys'),
    cacheMs: 3_600_000,
  } as const;
  return { rootKey, root };
}

/** Of the server's embedded PostgreSQL. */
export function superuserUrl(dataDir: string): string {
  const url = runningPostgresUrl({ dataDir, password: rolePassword(rootKeyOf(dataDir), 'postgres') });
  if (url === undefined) throw new Error(`No PostgreSQL runs on ${dataDir}.`);
  return url;
}

export function postmasterPid(dataDir: string): number {
  const file = path.join(findCluster(realpathSync(dataDir)), 'postmaster.pid');
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 0;
}
