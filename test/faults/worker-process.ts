// A worker of its own, with relay and all of the clinic's jobs, that ends itself with SIGKILL the n-th time it gets to a given point.

import { writeSync } from 'node:fs';
import { pino } from 'pino';
import { startApp } from '../../src/app.ts';
import type { FailurePoint } from '../../src/jobs/observe.ts';
import type { JobTiming } from '../../src/jobs/timing.ts';
import { testConfig } from '../support/server.ts';

export interface WorkerProcessOptions {
  readonly databaseUrl: string;
  readonly redisUrl?: string;
  readonly dataDir: string;
  readonly timing: JobTiming;
  /** Absent: it lives until SIGTERM. */
  readonly killAt?: { readonly point: FailurePoint; readonly time: number };
}

const { databaseUrl, redisUrl, dataDir, timing, killAt } = JSON.parse(process.argv[2] ?? '') as WorkerProcessOptions;
let times = 0;

/** One JSON line each, written at once, since nothing after it may come to run. */
const log = pino({ level: 'info' }, { write: (line: string) => void writeSync(1, line) });

const app = await startApp({
  config: testConfig(dataDir, 0, redisUrl),
  databaseUrl,
  does: { api: false, jobs: true },
  log,
  onFatal(error) {
    throw error;
  },
  timing,
  reached,
});
process.once('SIGTERM', () => void app.close());
log.info('ready');

async function reached(point: FailurePoint): Promise<void> {
  if (point !== killAt?.point) return;
  times += 1;
  if (times < killAt.time) return;
  log.info({ point }, 'interrupted');
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => undefined);
}
