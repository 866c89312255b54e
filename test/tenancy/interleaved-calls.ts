// Calls of two tenants in a wild mix over few connections, some of which fail in every way a call can: security.md 20

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { TenantTransaction } from '../../src/database/tenant-transaction.ts';
import { withClient } from '../support/database.ts';
import type { TwoTenants } from './two-tenants.ts';

const seed = 20_261_120;
const concurrency = 12;

/** What a call does between its first and its last look at whose rows it sees. */
const acts = {
  nothing: async () => undefined,
  write: async (trx: TenantTransaction) => trx.execute({ text: "UPDATE setting SET value = '1'" }),
  wait: async (trx: TenantTransaction) => trx.query({ text: 'SELECT pg_sleep(0.002)' }),
  'broken statement': async (trx: TenantTransaction) => trx.query({ text: 'SELECT nonsense' }),
  'broken statement nobody waits for': async (trx: TenantTransaction) => trx.execute({ text: 'SELECT 1/0' }),
  'foreign row': async (trx: TenantTransaction) => trx.query({ text: 'UPDATE setting SET tenant_id = tenant_id + 1' }),
  throw: async () => {
    throw new Error('thrown by the work');
  },
  timeout: async (trx: TenantTransaction) => {
    await trx.query({ text: 'SET LOCAL statement_timeout = 5' });
    await trx.query({ text: 'SELECT pg_sleep(1)' });
  },
  'cancelled by itself': async (trx: TenantTransaction) =>
    trx.query({ text: 'SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(0.01)' }),
  'connection killed': async (trx: TenantTransaction) =>
    trx.query({ text: 'SELECT pg_terminate_backend(pg_backend_pid())' }),
  'rolled back by hand': async (trx: TenantTransaction) => trx.query({ text: 'ROLLBACK' }),
} satisfies Record<string, (trx: TenantTransaction) => Promise<unknown>>;

type Act = keyof typeof acts;

interface Call {
  readonly isA: boolean;
  readonly act: Act;
}

const calls = (count: number) =>
  fc.sample(fc.record({ isA: fc.boolean(), act: fc.constantFrom(...(Object.keys(acts) as Act[])) }), {
    numRuns: count,
    seed,
  });

/** Declares the test with so many calls. */
export function testInterleavedCalls(tenants: () => TwoTenants, count: number): void {
  test(
    `${count} calls of two tenants over two connections, with errors, cancels and timeouts, see no foreign row (seed ${seed})`,
    async () => {
      const { a, b, tenantDoor } = tenants();
      const foreign: string[] = [];
      const done = { finished: 0, failed: 0 };
      const run = async ({ isA, act }: Call) => {
        const [own, name] = isA ? [a, 'a'] : [b, 'b'];
        const look = async (trx: TenantTransaction) => {
          const rows = await trx.query<{ id: number }>({
            name: 'look',
            text: 'SELECT tenant_id AS id FROM setting UNION SELECT tenant_id FROM resource',
          });
          if (rows.length !== 1 || rows[0]?.id !== own) foreign.push(`${name} in ${act}: ${JSON.stringify(rows)}`);
        };
        try {
          await tenantDoor(own, async (trx) => {
            await look(trx);
            await acts[act](trx);
            if (act !== 'rolled back by hand') await look(trx);
            // Without its transaction the call has no tenant, and must see nothing at all.
            else
              await look(trx).then(
                () => foreign.push(`${name} saw rows without a transaction`),
                () => undefined,
              );
          });
          done.finished += 1;
        } catch {
          done.failed += 1;
        }
      };
      const queue = calls(count).values();
      await Promise.all(
        Array.from({ length: concurrency }, async () => {
          for (const call of queue) await run(call);
        }),
      );
      expect(foreign).toEqual([]);
      expect(done.finished + done.failed).toBe(count);
      expect(Math.min(done.finished, done.failed)).toBeGreaterThan(count / 5);
      const rows = await withClient(tenants().url, (client) =>
        client.query('SELECT tenant_id FROM store.setting ORDER BY 1'),
      );
      expect(rows.rows).toEqual([{ tenant_id: a }, { tenant_id: b }]);
    },
    10 * 60_000,
  );
}
