// A job that is in the queue already when its tenant is suspended: not run, not lost, not counted as failed, and run when the tenant is resumed (issue 6, Tenants).

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { OutboxEvent } from '../../src/jobs/outbox.ts';
import type { Consumer, Delivery } from '../../src/jobs/queue.ts';
import { createWorker, type WorkerOptions } from '../../src/jobs/worker.ts';
import { createReindexSweep } from '../../src/repository/reindex/sweep.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import { resumeTenant, shredTenant, suspendTenant } from '../../src/tenants/tenant-status.ts';
import { withClient } from '../support/database.ts';
import { openTenantDatabase, type TenantDatabase } from './tenant-database.ts';

let database: TenantDatabase;
beforeAll(async () => {
  database = await openTenantDatabase();
});
afterAll(() => database.close());

const topic = 'halted';

/** A worker whose queue is the test. */
async function openWorker(ran: string[]): Promise<(delivery: Delivery) => Promise<void>> {
  let deliver: ((delivery: Delivery) => Promise<void>) | undefined;
  const quiet = () => undefined;
  await createWorker({
    tenantDoor: database.tenantDoor,
    handlers: [
      { topic, consumer: 'test', run: async (_: unknown, event: OutboxEvent) => void ran.push(event.resourceId) },
    ],
    queues: {
      async connectConsumer(run: (delivery: Delivery) => Promise<void>): Promise<Consumer> {
        deliver = run;
        return { close: async () => undefined };
      },
    },
    log: { warn: quiet, error: quiet },
    metrics: { jobDone: quiet, jobDropped: quiet, jobDead: quiet, jobFailed: quiet },
    timing: { attemptsMax: 3 },
  } as unknown as WorkerOptions);
  if (!deliver) throw new Error('The worker did not connect.');
  return deliver;
}

async function publish(tenantId: number, resourceId: string): Promise<Delivery> {
  return await withClient(database.url, async (client) => {
    const { rows } = await client.query(
      `INSERT INTO store.outbox (tenant_id, id, event_key, topic, resource_type, resource_id, new_version_id, status, published_at)
       VALUES ($1, gen_random_uuid(), $2, $3, 'Patient', $2, 1, 'published', now()) RETURNING id`,
      [tenantId, resourceId, topic],
    );
    return { topic, data: { tenantId, outboxId: rows[0].id }, starts: 1 } as Delivery;
  });
}

const stateOf = async (tenantId: number) =>
  await withClient(database.url, async (client) => {
    const { rows } = await client.query('SELECT status, attempts FROM store.outbox WHERE tenant_id = $1', [tenantId]);
    return rows;
  });

test('waits while its tenant is suspended, and runs once it is resumed', async () => {
  const { tenantId } = await createTenant(database, { name: 'halted' });
  const other = await createTenant(database, { name: 'others' });
  const ran: string[] = [];
  const deliver = await openWorker(ran);
  const job = await publish(tenantId, 'waits');
  await suspendTenant(database.systemDoor, 'halted');
  await deliver(job);
  await deliver(await publish(other.tenantId, 'runs'));
  expect(ran).toEqual(['runs']);
  expect(await stateOf(tenantId)).toEqual([{ status: 'published', attempts: 0 }]);
  await resumeTenant(database.systemDoor, 'halted');
  expect(await stateOf(tenantId)).toEqual([{ status: 'pending', attempts: 0 }]);
  await deliver(job);
  await deliver(job);
  expect(ran).toEqual(['runs', 'waits']);
  expect(await stateOf(tenantId)).toEqual([{ status: 'done', attempts: 0 }]);
});

test('is dead when its tenant is shredded', async () => {
  const { tenantId } = await createTenant(database, { name: 'gone' });
  const ran: string[] = [];
  const deliver = await openWorker(ran);
  const job = await publish(tenantId, 'never');
  await suspendTenant(database.systemDoor, 'gone');
  await shredTenant(database.systemDoor, 'gone');
  await deliver(job);
  expect([ran, await stateOf(tenantId)]).toEqual([[], [{ status: 'dead', attempts: 0 }]]);
});

test('is not asked for: a suspended tenant takes no place among those that are indexed again', async () => {
  const { tenantId: halted } = await createTenant(database, { name: 'halted-index' });
  const { tenantId: active } = await createTenant(database, { name: 'active-index' });
  const reindexed = async () =>
    await withClient(database.url, async (client) => {
      const { rows } = await client.query('SELECT tenant_id FROM store.reindex ORDER BY 1');
      return rows.map((row) => row.tenant_id);
    });
  await withClient(database.url, (client) =>
    client.query('UPDATE store.search_index SET generation = 0 WHERE tenant_id = ANY($1)', [[halted, active]]),
  );
  const sweep = createReindexSweep({ ...database, types: ['Patient'] });
  await suspendTenant(database.systemDoor, 'halted-index');
  await sweep();
  expect(await reindexed()).toEqual([active]);
  await resumeTenant(database.systemDoor, 'halted-index');
  await sweep();
  expect(await reindexed()).toEqual([halted, active]);
});
