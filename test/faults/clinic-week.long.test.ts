// Random weeks of a clinic under kill -9 of API, workers and PostgreSQL; after each the books agree: domain.md I17, faults 1, 2, 4 and 5.

import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { testRootKey } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { FaultBed, waitFor } from './bed.ts';
import { killProcesses, weeksWith } from './clinic-weeks.ts';
import { chooseSeed, seededRandom } from './load.ts';

const size = { weeks: Number(process.env.WEEKS ?? 5), commands: 200, clients: 8 };
/** Of PostgreSQL: a week takes about two seconds. */
const lifeMs = { least: 100, most: 600 };

describe('random weeks of eight clients', () => {
  test('while the API and the workers are killed again and again', async () => {
    const bed = await FaultBed.open();
    try {
      const { difference, kills } = await killProcesses(bed, { ...size, seed: chooseSeed() });
      console.log('killed', kills);
      expect(difference).toBeUndefined();
      expect(Math.min(kills.api, kills.worker)).toBeGreaterThan(0);
    } finally {
      await bed.close();
    }
  });

  test('while PostgreSQL dies, by a backend and by its postmaster', async () => {
    const dataDir = makeTemporaryFolder();
    const start = async () =>
      startEmbeddedPostgres({ dataDir, port: await freePort(), password: 'test', log: () => undefined });
    const server = await start();
    await migrate({ databaseUrl: server.url, rootKey: testRootKey });
    const bed = await FaultBed.open({ url: server.url, drop: async () => undefined });
    try {
      await bed.start();
      const seed = chooseSeed();
      const random = seededRandom(seed);
      let deaths = 0;
      const difference = await weeksWith(bed, { ...size, seed }, async (isOver) => {
        for (; !isOver(); deaths++) {
          await delay(lifeMs.least + random() * (lifeMs.most - lifeMs.least));
          if (isOver()) return;
          const { pid } = server;
          const victim = random() < 0.5 ? pid : await backendOf(bed, pid);
          process.kill(victim, 'SIGKILL');
          if (victim === pid) await waitFor('another postmaster', () => server.pid !== pid);
        }
      });
      console.log('PostgreSQL died', deaths);
      expect(difference).toBeUndefined();
      expect(deaths).toBeGreaterThanOrEqual(size.weeks);
    } finally {
      await bed.close();
      await server.stopImmediately();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

/** The postmaster where none is at work, or PostgreSQL still recovers from the last time. */
async function backendOf(bed: FaultBed, postmaster: number): Promise<number> {
  const text = "SELECT pid FROM pg_stat_activity WHERE usename = 'hpms_app' ORDER BY state = 'idle' LIMIT 1";
  const [backend] = await bed.sql<{ pid: number }>(text).catch(() => []);
  return backend?.pid ?? postmaster;
}
