// PostgreSQL of its own, under load, that is killed in several ways; for the short and the long test of faults 4 and 5.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { testRootKey } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { FaultBed, waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { Load } from './load.ts';

const lanes = 8;
/** Answers before and after each fault. */
const answersMin = 40;

/** Defines the tests; each kind of fault comes `rounds` times. */
export function dieUnderLoad(rounds: number): void {
  const dataDir = makeTemporaryFolder();
  const start = (port: number) => startEmbeddedPostgres({ dataDir, port, password: 'test', log: () => undefined });
  let server: EmbeddedPostgres;
  let port: number;
  let bed: FaultBed;
  let load: Load;
  beforeAll(async () => {
    port = await freePort();
    server = await start(port);
    await migrate({ databaseUrl: server.url, rootKey: testRootKey });
    bed = await FaultBed.open({ url: server.url, drop: async () => undefined });
    await bed.start();
    load = await Load.open(bed);
  });
  afterAll(async () => {
    await bed.close();
    await server.stopImmediately();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const faults: [string, () => Promise<void>][] = [
    ['a backend is killed, and PostgreSQL ends all of its fellows: fault 4', killBackend],
    ['the postmaster is killed, and its supervisor starts another: fault 4', killPostmaster],
    ['a crash and a restart: fault 5', crashAndRestart],
  ];
  const perTestMs = 30_000 + rounds * 20_000;

  test.each(faults)(
    `%s, ${rounds} times`,
    async (_, fault) => {
      const before = load.intents.length;
      for (let round = 0; round < rounds; round++) await underLoad(fault);
      const intents = load.intents.slice(before);
      const { 200: done, 201: created, 409: clashes, 503: away, ...others } = countStatuses(intents);
      console.log(`${intents.length} intents:`, { created, done, clashes, away, ...others });
      expect(others).toEqual({});
      expect(away).toBeGreaterThan(0);
      expect(await findProblems(bed, intents)).toEqual([]);
    },
    perTestMs,
  );

  test('afterwards everything that was ever acknowledged is there, and PostgreSQL had been asked to be durable', async () => {
    expect(await findProblems(bed, load.intents)).toEqual([]);
    const settings = "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit";
    expect(await bed.sql(settings)).toEqual([{ fsync: 'on', commit: 'on' }]);
  }, 60_000);

  /** Traffic before, during and after; nobody restarts our server. */
  async function underLoad(fault: () => Promise<void>): Promise<void> {
    const answeredSince = (since: number) => load.intents.slice(since).filter(({ answer }) => answer).length;
    const before = load.intents.length;
    load.start(lanes);
    await waitFor('traffic', () => answeredSince(before) >= answersMin);
    await fault();
    const healed = load.intents.length;
    await waitFor('answers after the fault', () => answeredSince(healed) >= answersMin);
    await load.stop();
  }

  async function killBackend(): Promise<void> {
    const [backend] = await bed.sql<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE usename = 'hpms_app' ORDER BY state = 'idle' LIMIT 1",
    );
    process.kill(backend!.pid, 'SIGKILL');
  }

  async function killPostmaster(): Promise<void> {
    const { pid } = server;
    process.kill(pid, 'SIGKILL');
    await waitFor('another postmaster', () => server.pid !== pid);
  }

  async function crashAndRestart(): Promise<void> {
    await server.stopImmediately();
    server = await start(port);
  }
}
