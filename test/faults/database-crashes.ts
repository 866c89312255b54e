// PostgreSQL of its own, under load, that is killed in several ways; for the short and the long test of faults 4 and 5.

import { expect, test } from '@jest/globals';
import { waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { useOwnDatabase } from './own-database.ts';

const lanes = 8;
/** Answers before and after each fault. */
const answersMin = 40;
/** No figure to reach: on a busy machine everything takes its time. */
const patienceMs = 120_000;

/** Defines the tests; each kind of fault comes `rounds` times. */
export function dieUnderLoad(rounds: number): void {
  const own = useOwnDatabase();
  const faults: [string, () => Promise<void>][] = [
    ['a backend is killed, and PostgreSQL ends all of its fellows: fault 4', killBackend],
    ['the postmaster is killed, and its supervisor starts another: fault 4', killPostmaster],
    ['a crash and a restart: fault 5', () => own().crashAndRestart()],
  ];
  const perTestMs = 60_000 + rounds * 60_000;

  test.each(faults)(
    `%s, ${rounds} times`,
    async (_, fault) => {
      const { bed, load } = own();
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

  test(
    'afterwards everything that was ever acknowledged is there, and PostgreSQL had been asked to be durable',
    async () => {
      const { bed, load } = own();
      expect(await findProblems(bed, load.intents)).toEqual([]);
      const settings = "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit";
      expect(await bed.sql(settings)).toEqual([{ fsync: 'on', commit: 'on' }]);
    },
    perTestMs,
  );

  /** Traffic before, during and after; nobody restarts our server. */
  async function underLoad(fault: () => Promise<void>): Promise<void> {
    const { load } = own();
    const answeredSince = (since: number) => load.intents.slice(since).filter(({ answer }) => answer).length;
    const before = load.intents.length;
    load.start(lanes);
    await waitFor('traffic', () => answeredSince(before) >= answersMin);
    await fault();
    const healed = load.intents.length;
    await waitFor(
      () => `${answersMin} answers after the fault, but ${JSON.stringify(countStatuses(load.intents.slice(healed)))}`,
      () => answeredSince(healed) >= answersMin,
      patienceMs,
    );
    await load.stop();
  }

  async function killBackend(): Promise<void> {
    const [backend] = await own().bed.sql<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE usename = 'hpms_app' ORDER BY state = 'idle' LIMIT 1",
    );
    process.kill(backend!.pid, 'SIGKILL');
  }

  async function killPostmaster(): Promise<void> {
    const { postgres } = own();
    const { pid } = postgres;
    process.kill(pid, 'SIGKILL');
    await waitFor('another postmaster', () => postgres.pid !== pid);
  }
}
