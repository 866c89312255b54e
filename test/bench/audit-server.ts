// The server's API without its access trail, with its blocks alone, with AuditEvents that it makes itself, or with those that a worker
// makes: only to measure what these cost.

import { pino } from 'pino';
import { startApp } from '../../src/app.ts';
import { type AccessTrail, type AccessTrailOptions, createAccessTrail } from '../../src/audit/trail/access-trail.ts';
import { readConfig } from '../../src/config.ts';
import { blocksOnly } from '../support/blocks-only.ts';

const none: AccessTrail = {
  record: () => Promise.resolve(),
  recordIn: (_, facts) => ({ id: '', facts }),
  committed: ignore,
  close: () => Promise.resolve(),
};

const trails = {
  off: () => none,
  blocks: blocksOnly,
  itself: (options: AccessTrailOptions) => createAccessTrail({ ...options, leavesToWorkers: false }),
  worker: createAccessTrail,
};

const config = readConfig(process.env);
const app = await startApp({
  config,
  // Of the server beside it, which has its keys from the same folder.
  databaseUrl: process.env.RUNNING_DATABASE_URL ?? '',
  does: { api: true, jobs: false },
  log: pino(pino.destination({ dest: 1, sync: false, minLength: 4_096, periodicFlush: 100 })),
  onFatal(error) {
    throw error;
  },
  openTrail: trails[process.argv[2] as keyof typeof trails],
});
process.once('SIGTERM', () => void app.close().finally(() => process.exit()));
console.log('"msg":"ready"');

function ignore(): void {}
