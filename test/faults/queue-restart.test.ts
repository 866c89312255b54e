// PostgreSQL crashes and restarts under relay, worker and queue: all come back without a hand's help, each event has one effect.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { JobBed, until } from '../jobs/job-bed.ts';
import { testRootKey } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { killTiming } from './queue-kills.ts';

describe('PostgreSQL restarts: fault 5', () => {
  const dataDir = makeTemporaryFolder();
  let bed: JobBed;

  beforeAll(async () => {
    const port = await freePort();
    const start = () => startEmbeddedPostgres({ dataDir, port, password: 'test', log: () => undefined });
    let server = await start();
    const { url } = server;
    await migrate({ databaseUrl: url, rootKey: testRootKey });
    bed = await JobBed.open(
      { url, drop: () => server.stopImmediately() },
      {
        connection: () => ({ databaseUrl: url, rootKey: testRootKey }),
        goAway: () => server.stopImmediately(),
        async comeBack() {
          server = await start();
        },
        flush: async () => undefined,
        stop: async () => undefined,
      },
    );
  });
  afterAll(async () => {
    await bed.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('after a crash under load what was committed is handled, once', async () => {
    const jobs = bed.start(killTiming);
    await jobs.ready;
    const ids: string[] = [];
    const startedAt = performance.now();
    for (let round = 0; round < 3; round++) {
      ids.push(...(await bed.add(60)));
      await bed.queue.goAway();
      const before = bed.logged.length;
      await until(() => bed.logged.length > before);
      await bed.queue.comeBack();
    }
    await bed.allAre('done', ids);
    expect(await bed.effects(ids)).toEqual(Array(180).fill(1));
    await jobs.close(5_000);
    expect(bed.logged.length / ((performance.now() - startedAt) / 1_000)).toBeLessThan(30);
  });
});
