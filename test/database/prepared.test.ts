// Prepared statements stay bounded on a connection, and none is lost track of: https://www.postgresql.org/docs/current/view-pg-prepared-statements.html

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pool } from '../../src/database/pool.ts';
import type { Statement } from '../../src/database/statement.ts';
import { BatchedTransaction, runTransaction } from '../../src/database/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { singleConnection } from './single-connection.ts';

const preparedMax = 120;

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = singleConnection(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

function run<T>(work: (trx: BatchedTransaction) => Promise<T>): Promise<T> {
  return runTransaction(
    pool.acquire,
    (connection) => new BatchedTransaction(connection, { setUp: [], isRead: true }),
    work,
  );
}

const numbered = (n: number): Statement => ({
  name: `numbered-${n}`,
  text: `SELECT ${n} + $1::int AS n`,
  values: [1],
});

async function askEach(numbers: readonly number[]): Promise<number[]> {
  return await run(async (trx) => {
    const rows = await Promise.all(numbers.map((n) => trx.query<{ n: number }>(numbered(n))));
    return rows.flatMap((found) => found.map(({ n }) => n));
  });
}

async function preparedNames(): Promise<string[]> {
  const rows = await run((trx) =>
    trx.query<{ name: string }>({ text: "SELECT name FROM pg_prepared_statements WHERE name LIKE 'numbered%'" }),
  );
  return rows.map(({ name }) => name);
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);

describe('beyond the bound', () => {
  test('those not used for the longest time are closed, and answered all the same when they come back', async () => {
    expect(await askEach(range(0, 100))).toEqual(range(1, 100));
    // The first ten are used once more.
    await askEach(range(0, 10));
    expect(await askEach(range(100, 60))).toEqual(range(101, 60));
    const names = new Set(await preparedNames());
    expect(names.size).toBeLessThanOrEqual(preparedMax);
    for (const n of [0, 9, 159]) expect(names).toContain(`numbered-${n}`);
    expect(names).not.toContain('numbered-10');
    expect(await askEach(range(0, 160))).toEqual(range(1, 160));
  });

  test('a message of more than fit is answered in full', async () => {
    expect(await askEach(range(1_000, 3 * preparedMax))).toEqual(range(1_001, 3 * preparedMax));
    expect((await preparedNames()).length).toBeLessThanOrEqual(preparedMax);
  });

  test('statements behind one that fails leave none behind', async () => {
    for (let round = 0; round < 5; round++) {
      const failing = run(async (trx) => {
        const asked = range(2_000 + round * 100, 50).map((n) => trx.query(numbered(n)));
        asked.push(trx.query({ name: `failing-${round}`, text: 'SELECT 1 / 0' }));
        asked.push(...range(3_000 + round * 100, 50).map((n) => trx.query(numbered(n))));
        await Promise.all(asked);
      });
      await expect(failing).rejects.toThrow();
    }
    await askEach([1]);
    expect((await preparedNames()).length).toBeLessThanOrEqual(preparedMax);
    expect(await askEach(range(3_000, 50))).toEqual(range(3_001, 50));
  });
});

test('a search is planned for all values and all tenants at once, and not as if a small table stayed small', async () => {
  const [row] = await run((trx) =>
    trx.query({
      text: "SELECT current_setting('plan_cache_mode') AS plans, current_setting('enable_seqscan') AS scans",
    }),
  );
  expect(row).toEqual({ plans: 'force_generic_plan', scans: 'off' });
});
