// PostgreSQL is there and does nothing: SIGSTOP for longer than every time limit, then SIGCONT (fault 9).

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { useOwnDatabase } from './own-database.ts';

const hangMs = 60_000;
const probeEveryMs = 250;

describe('a PostgreSQL that hangs', () => {
  const own = useOwnDatabase();

  test('for a minute: 503 within the time limits, the process goes on answering, and nothing is lost', async () => {
    const { bed, load, postgres } = own();
    load.start(8);
    await waitFor('traffic', () => load.intents.length > 60);
    const rows = await bed.sql<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
    const pids = [postgres.pid, ...rows.map(({ pid }) => pid)];
    const signal = (name: NodeJS.Signals) => {
      for (const pid of pids) process.kill(pid, name);
    };
    signal('SIGSTOP');
    const probes: number[] = [];
    let refused: number;
    try {
      const single = timed(bed.a.request('GET', '/Patient?_count=1'));
      for (const end = Date.now() + hangMs; Date.now() < end; await delay(probeEveryMs)) {
        const { status, tookMs } = await timed(fetch(`${bed.origin}/healthz`));
        expect(status).toBe(200);
        probes.push(tookMs);
      }
      // The server gives up a statement after 40 s, and what waits for a connection after 3.
      const { status, tookMs } = await single;
      expect(status).toBe(503);
      refused = tookMs;
    } finally {
      signal('SIGCONT');
    }
    const healed = load.intents.length;
    await waitFor('answers again', () => load.intents.slice(healed).filter(({ answer }) => answer).length > 40);
    await load.stop();
    const { 200: _done, 201: _created, 409: _clashes, 503: away, ...others } = countStatuses(load.intents);
    console.log({ away, slowestHealthMs: Math.max(...probes), refusedAfterMs: refused });
    expect(others).toEqual({});
    expect(away).toBeGreaterThan(0);
    expect(await findProblems(bed, load.intents)).toEqual([]);
  }, 240_000);
});

async function timed(answer: Promise<{ readonly status: number }>): Promise<{ status: number; tookMs: number }> {
  const startedAt = performance.now();
  const { status } = await answer;
  return { status, tookMs: Math.round(performance.now() - startedAt) };
}
