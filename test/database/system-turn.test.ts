// A turn is one process's at a time, and ends with it: also with one that fails, dies or hangs.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { createSystemTurn, type SystemTurn } from '../../src/database/system-turn.ts';
import { createTestDatabase, type TestDatabase, testRootKey, withClient } from '../support/database.ts';

const turn = { lock: 1, silentMaxMs: 20_000, setUp: [] };

let database: TestDatabase;
let pool: Pool;
let systemTurn: SystemTurn;
const idleErrors: Error[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({
    ...{ databaseUrl: database.url, role: 'hpms_system', rootKey: testRootKey, connectionsMax: 2, waitingMax: 10 },
    onIdleError: (error) => idleErrors.push(error),
  });
  systemTurn = createSystemTurn(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const take = () => systemTurn(turn, async () => 'had');
/** A connection that is cut gives its lock back a moment later. */
async function takeSoon(): Promise<string> {
  for (;;) {
    const had = await take();
    if (had) return had;
  }
}

test('who asks meanwhile has none, who asks afterwards has it', async () => {
  const asked = await systemTurn(turn, () =>
    Promise.all([take(), systemTurn({ ...turn, lock: 2 }, async () => 'other')]),
  );
  expect(asked).toEqual([undefined, 'other']);
  expect(await take()).toBe('had');
});

test('what is sent together is one transaction with what is set up, and none is open behind it', async () => {
  const setUp = [{ text: "SELECT set_config('hpms.setup', 'yes', true)" }];
  const found = await systemTurn({ ...turn, setUp }, async (trx) => {
    const ask = () =>
      trx.query<{ value: string; at: string; pid: number }>({
        text: "SELECT current_setting('hpms.setup') AS value, now()::text AS at, pg_backend_pid() AS pid",
      });
    const [[one], [other]] = await Promise.all([ask(), ask()]);
    const { rows } = await withClient(database.url, (client) =>
      client.query('SELECT state, xact_start FROM pg_stat_activity WHERE pid = $1', [one?.pid]),
    );
    const [later] = await ask();
    return { one, other, rows, later };
  });
  expect(found?.one).toMatchObject({ value: 'yes', at: found?.other?.at });
  expect(found?.rows).toEqual([{ state: 'idle', xact_start: null }]);
  expect(found?.later?.value).toBe('yes');
  expect(found?.later?.at).not.toBe(found?.one?.at);
});

test('fails with what failed in it, and is given back', async () => {
  await expect(systemTurn(turn, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
  expect(await takeSoon()).toBe('had');
  await expect(systemTurn(turn, (trx) => trx.query({ text: 'SELECT 1 / 0' }))).rejects.toThrow();
  expect(await takeSoon()).toBe('had');
});

test('is lost by who is silent for too long, and not by connections that wait in the pool', async () => {
  const hangs = { ...turn, silentMaxMs: 50 };
  await expect(
    systemTurn(hangs, async (trx) => [await takeSoon(), await trx.query({ text: 'SELECT 1' })]),
  ).rejects.toThrow();
  await systemTurn(hangs, async () => undefined);
  const connection = await pool.acquire();
  const shown: unknown[] = [];
  await connection.send([
    {
      statement: { text: 'SHOW idle_session_timeout' },
      answered: (found) => shown.push(...found),
      failed: () => undefined,
    },
  ]);
  connection.release(true);
  expect(shown).toEqual([{ idle_session_timeout: '0' }]);
  expect(idleErrors).toEqual([]);
});
