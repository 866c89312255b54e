// Lookups of many requests in one message: each sees its own tenant only, and none fails for another's failure.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { TenantTransaction } from '../../src/database/tenant-transaction.ts';
import { makeTwoTenants, type TwoTenants } from '../tenancy/two-tenants.ts';

let tenants: TwoTenants;

beforeAll(async () => {
  tenants = await makeTwoTenants();
});
afterAll(() => tenants.close());

/** Every table has one row of each tenant. */
const owner = {
  name: 'owner',
  text: 'SELECT tenant.current_id() AS seen, count(*)::int AS rows FROM resource GROUP BY 1',
};
const failing = { name: 'failing', text: 'SELECT 1 / (tenant.current_id() - tenant.current_id())' };
const working = { name: 'working', text: 'SELECT pg_backend_pid() AS pid' };

const lookup = <T>(tenantId: number, work: (trx: TenantTransaction) => Promise<T>) =>
  tenants.tenantDoor(tenantId, work, 'lookup');

describe('lookups of one turn travel together', () => {
  test('and are answered by one connection', async () => {
    const pids = await Promise.all(
      Array.from({ length: 10 }, () => lookup(tenants.a, (trx) => trx.query<{ pid: number }>(working))),
    );
    expect(new Set(pids.map(([row]) => row?.pid)).size).toBe(1);
  });

  test('each in sight of its own tenant only, however they are mixed and whichever fail', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ofA: fc.boolean(), fails: fc.boolean() }), { minLength: 1, maxLength: 80 }),
        async (asked) => {
          const answers = await Promise.allSettled(
            asked.map(({ ofA, fails }) =>
              lookup(ofA ? tenants.a : tenants.b, (trx) => trx.query(fails ? failing : owner)),
            ),
          );
          for (const [index, { ofA, fails }] of asked.entries()) {
            const answer = answers[index];
            if (fails) expect(answer).toMatchObject({ status: 'rejected', reason: { code: '22012' } });
            else
              expect(answer).toEqual({ status: 'fulfilled', value: [{ seen: ofA ? tenants.a : tenants.b, rows: 1 }] });
          }
        },
      ),
      { numRuns: 30, seed: 20_261_120 },
    );
  });

  test('and leave no tenant behind on the connection', async () => {
    await lookup(tenants.a, (trx) => trx.query(owner));
    const connection = await tenants.pool.acquire();
    const failed = connection.send([{ statement: owner, answered: () => undefined, failed: () => undefined }]);
    await expect(failed).rejects.toThrow();
    connection.release(false);
  });
});

test('a lookup does not write', async () => {
  const written = lookup(tenants.a, async (trx) => trx.execute(working));
  await expect(written).rejects.toThrow('A lookup only reads.');
});

test('more than may wait are refused with 503 and a time to come back', async () => {
  const answers = await Promise.allSettled(
    Array.from({ length: 1_100 }, () => lookup(tenants.a, (trx) => trx.query(owner))),
  );
  const refused = answers.filter((answer) => answer.status === 'rejected');
  expect(refused).toHaveLength(100);
  expect(refused[0]).toMatchObject({ reason: { status: 503, retryAfterSeconds: 1 } });
});
