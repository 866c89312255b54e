// A process of its own with relay and worker, which ends itself with SIGKILL at a given point, or drains on SIGTERM.

import { writeSync } from 'node:fs';
import { connectionSettings, createPool, type DatabaseRole } from '../../src/database/pool.ts';
import { createSystemDoor } from '../../src/database/system-transaction.ts';
import { createTenantDoor } from '../../src/database/tenant-transaction.ts';
import type { FailurePoint, JobLog } from '../../src/jobs/observe.ts';
import { createQueues } from '../../src/jobs/queue.ts';
import { startJobs } from '../../src/jobs/start.ts';
import type { JobTiming } from '../../src/jobs/timing.ts';
import { countingHandler } from '../jobs/counting-handler.ts';
import { testRootKey } from '../support/database.ts';

export interface QueueProcessOptions {
  readonly databaseUrl: string;
  /** Of the queue. */
  readonly connection: { readonly redisUrl: string } | { readonly databaseUrl: string };
  readonly timing: JobTiming;
  readonly concurrency: number;
  readonly killAt?: { readonly point: FailurePoint; readonly time: number };
  /** The first handler run blocks the event loop for so long. */
  readonly blockMs?: number;
}

/** Lines on stdout: `running`, `interrupted <point>`, `blocking`, and `log <level> <message>`. */
function say(line: string): void {
  // Synchronous, since nothing after it may come to run.
  writeSync(1, `${line}\n`);
}

const options = JSON.parse(process.argv[2] ?? '') as QueueProcessOptions;
const { databaseUrl, connection, killAt, timing, concurrency } = options;

const pools = (['hpms_app', 'hpms_system'] as const).map(openPool);
const [app, system] = pools as [ReturnType<typeof openPool>, ReturnType<typeof openPool>];
let times = 0;
let isBlocking = options.blockMs !== undefined;

const jobs = startJobs({
  queues: createQueues('redisUrl' in connection ? connection : { ...connection, rootKey: testRootKey }, timing, log()),
  relay: {
    systemDoor: createSystemDoor(system),
    listenConnection: connectionSettings({ databaseUrl, role: 'hpms_system', rootKey: testRootKey }),
  },
  worker: { tenantDoor: createTenantDoor(app), handlers: [countingHandler('count', block)], concurrency },
  timing,
  log: log(),
  metrics: {
    jobDone: () => undefined,
    jobFailed: () => undefined,
    jobDead: () => undefined,
    jobDropped: () => undefined,
    relayLag: () => undefined,
  },
  reached,
});

process.once('SIGTERM', async () => {
  await jobs.close(10_000);
  await Promise.all(pools.map((pool) => pool.end()));
});
await jobs.ready;
say('running');

function openPool(role: DatabaseRole) {
  return createPool({
    databaseUrl,
    role,
    rootKey: testRootKey,
    connectionsMax: 24,
    waitingMax: 1_000,
    onIdleError: () => undefined,
  });
}

async function reached(point: FailurePoint): Promise<void> {
  if (point !== killAt?.point) return;
  times += 1;
  if (times < killAt.time) return;
  say(`interrupted ${point}`);
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => undefined);
}

async function block(): Promise<void> {
  if (!isBlocking) return;
  isBlocking = false;
  say('blocking');
  for (const end = Date.now() + (options.blockMs ?? 0); Date.now() < end; );
}

function log(): JobLog {
  const at = (level: string) => (_: object, message: string) => say(`log ${level} ${message}`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
