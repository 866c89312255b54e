// The log's disk is full, or nobody reads the log any more: requests are answered all the same, and the process ends in good order (fault 39).

import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildPatient } from '../support/builders.ts';
import { FaultBed } from './bed.ts';
import { findProblems } from './checker.ts';
import { type MainProcess, startMain } from './processes.ts';

/** Their lines are more than a pipe holds. */
const requests = 1_500;

describe('a log that takes no lines', () => {
  let bed: FaultBed;
  beforeAll(async () => {
    bed = await FaultBed.open();
  });
  afterAll(() => bed.close());
  const start = (logTo?: number) =>
    startMain('all', {
      dataDir: bed.dataDir,
      databaseUrl: bed.database.url,
      ...(logTo === undefined ? {} : { logTo }),
    });

  test('its disk is full: everything is answered, and SIGTERM ends the process with 0', async () => {
    const full = openSync('/dev/full', 'w');
    const server = await start(full);
    closeSync(full);
    await answersAll(server);
    await endsWell(server);
  }, 60_000);

  test('its reader is stuck: everything is answered, and SIGTERM ends the process with 0', async () => {
    const server = await start();
    server.child.stdout!.pause();
    await answersAll(server);
    await endsWell(server);
  }, 60_000);

  test('its reader is gone: the same', async () => {
    const server = await start();
    server.child.stdout!.destroy();
    await answersAll(server);
    await endsWell(server);
  }, 60_000);

  async function answersAll(server: MainProcess): Promise<void> {
    bed.origin = server.origin;
    const { id } = await bed.a.create(buildPatient());
    for (let done = 0; done < requests; done += 20) {
      const health = Array.from({ length: 20 }, () => fetch(`${server.origin}/healthz`).then(({ status }) => status));
      expect(new Set(await Promise.all(health))).toEqual(new Set([200]));
    }
    expect((await bed.a.request('GET', `/Patient/${id}`)).status).toBe(200);
    await bed.b.create(buildPatient());
    expect(await findProblems(bed, [])).toEqual([]);
  }

  async function endsWell(server: MainProcess): Promise<void> {
    const ended = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    server.child.stdout?.resume();
  }
});
