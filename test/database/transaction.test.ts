// Batched transactions on a real PostgreSQL: all or nothing, errors told to the right caller, connections fit for the next one.

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Pool, PooledConnection } from '../../src/database/pool.ts';
import { sqlState } from '../../src/database/sql-errors.ts';
import { BatchedTransaction, runTransaction } from '../../src/database/transaction.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../support/database.ts';
import { singleConnection } from './single-connection.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  await withClient(database.url, (client) =>
    client.query(`
      CREATE TABLE public.item (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES public.item DEFERRABLE INITIALLY DEFERRED);
      GRANT ALL ON public.item TO hpms_app; GRANT USAGE ON SCHEMA public TO hpms_app; GRANT USAGE ON LANGUAGE plpgsql TO hpms_app`),
  );
  pool = singleConnection(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
afterEach(() => run(async (trx) => trx.execute({ text: 'DELETE FROM item' })));

const insert = (id: number, parent: number | null = null) => ({
  name: 'insert-item',
  text: 'INSERT INTO item (id, parent) VALUES ($1, $2)',
  values: [id, parent],
});
const ids = async () =>
  (await run((trx) => trx.query<{ id: number }>({ text: 'SELECT id FROM item ORDER BY id' }))).map(({ id }) => id);

function run<T>(work: (trx: BatchedTransaction) => Promise<T>, isRead = false): Promise<T> {
  return runTransaction(pool.acquire, (connection) => new BatchedTransaction(connection, { setUp: [], isRead }), work);
}

/** How many batches a transaction sent. */
async function trips(work: (trx: BatchedTransaction) => Promise<unknown>, isRead = false): Promise<number> {
  let count = 0;
  const counting = (connection: PooledConnection): PooledConnection => ({
    ...connection,
    send(entries) {
      count += 1;
      return connection.send(entries);
    },
  });
  await runTransaction(
    pool.acquire,
    (connection) => new BatchedTransaction(counting(connection), { setUp: [], isRead }),
    work,
  );
  return count;
}

describe('a transaction', () => {
  test('whose work waits for no answer is one round trip, and is committed', async () => {
    const count = await trips(async (trx) => {
      for (const id of [1, 2, 3]) trx.execute(insert(id));
    });
    expect(count).toBe(1);
    expect(await ids()).toEqual([1, 2, 3]);
  });

  test('that looks first and then writes is two', async () => {
    const count = await trips(async (trx) => {
      await trx.query({ text: 'SELECT 1' });
      trx.execute(insert(1));
    });
    expect(count).toBe(2);
    expect(await ids()).toEqual([1]);
  });

  test('that only reads is one, and one that does nothing is none', async () => {
    expect(await trips((trx) => trx.query({ text: 'SELECT 1' }), true)).toBe(1);
    expect(await trips(async () => undefined)).toBe(0);
  });

  test('gives each query its own rows, in whatever order they are awaited', async () => {
    const one = { name: 'one', text: 'SELECT $1::int AS n', values: [1] };
    const rows = await run(async (trx) => {
      const [a, b, c] = [trx.query(one), trx.query({ ...one, values: [2] }), trx.query({ text: "SELECT 'x' AS t" })];
      return [await c, await b, await a];
    });
    expect(rows).toEqual([[{ t: 'x' }], [{ n: 2 }], [{ n: 1 }]]);
  });

  test('keeps nothing when its work throws, though its statements succeeded', async () => {
    const attempt = run(async (trx) => {
      await trx.query({ ...insert(1), text: `${insert(1).text} RETURNING id`, name: 'insert-returning' });
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect(await ids()).toEqual([]);
  });

  test.each([false, true])(
    'keeps nothing when a statement nobody waits for fails (after a look: %s)',
    async (looks) => {
      const attempt = run(async (trx) => {
        if (looks) await trx.query({ text: 'SELECT 1' });
        trx.execute(insert(1));
        trx.execute(insert(1));
        trx.execute(insert(2));
      });
      await expect(attempt).rejects.toMatchObject({ status: 409 });
      expect(await ids()).toEqual([]);
    },
  );

  test.each([false, true])(
    'keeps nothing when a deferred constraint fails at its end (after a look: %s)',
    async (looks) => {
      const attempt = run(async (trx) => {
        if (looks) await trx.query({ text: 'SELECT 1' });
        trx.execute(insert(1, 99));
      });
      await expect(attempt.catch(sqlState)).resolves.toBe('23503');
      expect(await ids()).toEqual([]);
    },
  );

  test('that swallows the failure of a statement is not acknowledged either', async () => {
    const attempt = run(async (trx) => {
      trx.execute(insert(1));
      await trx.query({ text: 'SELECT 1/0' }).catch(() => undefined);
    });
    await expect(attempt.catch(sqlState)).resolves.toBe('22012');
    expect(await ids()).toEqual([]);
  });

  test('tells the first failure, not that the transaction is aborted', async () => {
    const attempt = run(async (trx) => {
      await trx.query({ text: 'SELECT 1' });
      trx.execute({ text: 'SELECT 1/0' });
      await trx.query({ text: 'SELECT 2' });
    });
    await expect(attempt.catch(sqlState)).resolves.toBe('22012');
  });

  test('after a failed one uses the prepared statements that were parsed, and those that were not', async () => {
    const fresh = (n: number) => ({ name: `fresh-${n}`, text: `SELECT ${n} AS n, $1::int AS value`, values: [n] });
    const failing = run(async (trx) => {
      trx.execute(fresh(1));
      trx.execute({ text: 'SELECT 1/0' });
      trx.execute(fresh(2));
    });
    await expect(failing.catch(sqlState)).resolves.toBe('22012');
    const wrongValue = run(async (trx) => trx.execute({ ...fresh(3), values: ['x'] }));
    await expect(wrongValue.catch(sqlState)).resolves.toBe('22P02');
    for (const n of [1, 2, 3, 1, 2, 3]) {
      expect(await run((trx) => trx.query(fresh(n)))).toEqual([{ n, value: n }]);
    }
  });

  test('whose connection is killed fails with 503, and the next one gets another connection', async () => {
    const attempt = run(async (trx) => {
      trx.execute(insert(1));
      await trx.query({ text: 'SELECT pg_terminate_backend(pg_backend_pid())' });
    });
    await expect(attempt).rejects.toMatchObject({ status: 503 });
    expect(await ids()).toEqual([]);
  });

  test.each([
    [0, 1],
    [4, 5],
    [9, 5],
  ])(
    'runs again after a serialization failure, five times at most: %d failures make %d runs',
    async (failures, expected) => {
      let runs = 0;
      const attempt = run(async (trx) => {
        runs += 1;
        if (runs <= failures) await trx.query({ text: "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$" });
        trx.execute(insert(runs));
      });
      if (failures < 5) await attempt;
      else await expect(attempt).rejects.toMatchObject({ status: 409 });
      expect(runs).toBe(expected);
      expect(await ids()).toEqual(failures < 5 ? [expected] : []);
    },
  );
});

test('lists of bytes arrive as they are, in order, also empty ones and none', async () => {
  const items = fc.array(fc.option(fc.uint8Array({ maxLength: 40 }).map(Buffer.from), { nil: null }), { maxLength: 8 });
  const text = 'SELECT item FROM unnest($1::bytea[]) WITH ORDINALITY AS row (item, place) ORDER BY place';
  await fc.assert(
    fc.asyncProperty(items, async (given) => {
      const rows = await run(
        (trx) => trx.query<{ item: Buffer | null }>({ name: 'bytes', text, values: [given] }),
        true,
      );
      expect(rows.map(({ item }) => item)).toEqual(given);
    }),
  );
});
