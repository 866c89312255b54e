// Jobs come ten times over, out of order and late, or can never succeed: one effect each, and no event keeps another waiting (faults 21 and 23).

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Appointment, Invoice } from '@medplum/fhirtypes';
import type { App } from '../../src/app.ts';
import { rolePassword } from '../../src/database/role-password.ts';
import { buildAppointment, buildPatient, buildPractitioner, buildPrice } from '../support/builders.ts';
import { testRootKey } from '../support/database.ts';
import { describeWith } from '../support/machine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { send } from '../support/server.ts';
import { FaultBed, waitFor } from './bed.ts';
import { findProblems } from './checker.ts';
import { isQueueEmpty, openQueue } from './job-queue.ts';
import { chooseSeed, seededRandom } from './load.ts';
import { killTiming } from './queue-kills.ts';

type Visit = Appointment & { readonly id: string };
interface EventRow {
  readonly id: string;
  readonly tenant_id: number;
  readonly topic: string;
  readonly resource_id: string;
  readonly status: string;
}

function deliverAmiss(startQueue: () => Promise<TestRedis | undefined>): void {
  let redis: TestRedis | undefined;
  let bed: FaultBed;
  let worker: App | undefined;
  let template: Appointment;
  let visits = 0;
  const random = seededRandom(chooseSeed());
  const redisOption = () => (redis ? { redisUrl: redis.url } : {});

  beforeAll(async () => {
    redis = await startQueue();
    bed = await FaultBed.open();
    await bed.start({ does: { api: true, jobs: false } });
    const [patient, practitioner] = [await bed.a.create(buildPatient()), await bed.a.create(buildPractitioner())];
    await bed.a.create(buildPrice(80));
    template = buildAppointment(`Patient/${patient.id}`, `Practitioner/${practitioner.id}`, { status: 'fulfilled' });
  });
  afterEach(async () => {
    await worker?.close();
    worker = undefined;
  });
  afterAll(async () => {
    await bed.close();
    await redis?.stop();
  });

  /** Each at a time of its own. */
  function fulfilled(count: number): Promise<Visit[]> {
    const one = () => {
      const start = Date.parse('2026-11-23T08:00:00Z') + 1_800_000 * visits++;
      const times = { start: new Date(start).toISOString(), end: new Date(start + 1_800_000).toISOString() };
      return bed.a.create({ ...template, ...times });
    };
    return Promise.all(Array.from({ length: count }, one));
  }

  function eventsOf(appointments: readonly Visit[]): Promise<EventRow[]> {
    const ids = appointments.map(({ id }) => id);
    return bed.sql<EventRow>('SELECT * FROM store.outbox WHERE resource_id = ANY($1)', [ids]);
  }

  /** Adds each event's job so often, under ids of their own, in any order. */
  async function deliver(events: readonly EventRow[], times: number): Promise<void> {
    const jobs = events
      .flatMap((event) => Array.from({ length: times }, (_, time) => ({ event, time })))
      .sort(() => random() - 0.5);
    const queue = openQueue(bed.database.url, redis?.url);
    for (const { event, time } of jobs) {
      const data = { tenantId: event.tenant_id, outboxId: event.id };
      await queue.add(event.topic, data, { jobId: `${event.id}-${time}-${random()}`, removeOnComplete: true });
    }
    await queue.close();
  }

  async function nothingIsLeft(): Promise<boolean> {
    const undone = await bed.sql("SELECT FROM store.outbox WHERE status NOT IN ('done', 'dead')");
    return undone.length === 0 && (await isQueueEmpty(bed.database.url, redis?.url));
  }

  const invoices = async () => (await bed.a.all<Invoice>('Invoice')).length;

  test('20 events ten times each, in any order, before the relay sends its own: 20 Invoices: fault 21', async () => {
    const events = await eventsOf(await fulfilled(20));
    expect(events).toHaveLength(20);
    await deliver(events, 10);
    worker = await bed.start({ ...redisOption(), does: { api: false, jobs: true } });
    await waitFor('nothing left to do', nothingIsLeft);
    expect(await invoices()).toBe(20);
    expect(await findProblems(bed, [])).toEqual([]);
  }, 60_000);

  test('the same again long after, while new events come: nothing more for the old ones: fault 21', async () => {
    const [late] = await fulfilled(1);
    await bed.a.update({ ...late!, status: 'entered-in-error' });
    worker = await bed.start({ ...redisOption(), does: { api: false, jobs: true } });
    await deliver(await bed.sql<EventRow>('SELECT * FROM store.outbox'), 10);
    await fulfilled(10);
    await waitFor('nothing left to do', nothingIsLeft);
    // What was entered in error before its job ran is not billed.
    expect(await invoices()).toBe(30);
    expect(await findProblems(bed, [])).toEqual([]);
  }, 60_000);

  test('a job that always fails is dead after its attempts, says so, and lets all others through: fault 23', async () => {
    const before = await invoices();
    const [poisoned, ...others] = await fulfilled(21);
    const kept = await damage(poisoned!.id);
    const attemptsMax = 4;
    worker = await bed.start({
      ...redisOption(),
      does: { api: false, jobs: true },
      timing: { ...killTiming, attemptsMax },
    });
    await waitFor('a dead event', async () => (await eventsOf([poisoned!]))[0]?.status === 'dead');
    await waitFor('the others', async () => (await invoices()) === before + others.length);
    expect(await eventsOf([poisoned!])).toMatchObject([{ attempts: attemptsMax }]);
    expect(bed.logged.filter(({ msg, level }) => level >= 50 && msg.includes('given up as dead'))).toHaveLength(1);
    expect(await metric(worker, 'hpms_jobs_dead_total')).toBe(1);
    expect(await metric(worker, 'hpms_jobs_failed_total')).toBe(attemptsMax);
    await heal(poisoned!.id, kept);
  }, 60_000);

  test('it stays dead until somebody looks after it, and is then handled once: fault 23', async () => {
    const before = await invoices();
    worker = await bed.start({ ...redisOption(), does: { api: false, jobs: true } });
    await deliver(await bed.sql<EventRow>("SELECT * FROM store.outbox WHERE status = 'dead'"), 5);
    await waitFor('nothing left to do', nothingIsLeft);
    expect(await invoices()).toBe(before);
    await bed.sql("UPDATE store.outbox SET status = 'pending', attempts = 0 WHERE status = 'dead'");
    await waitFor('its Invoice', async () => (await invoices()) === before + 1);
    expect(await findProblems(bed, [])).toEqual([]);
  }, 60_000);

  /** One byte of the Appointment's ciphertext, so that nobody can open it. */
  async function damage(id: string): Promise<Buffer> {
    const [row] = await bed.sql<{ content: Buffer }>('SELECT content FROM store.resource WHERE id = $1', [id]);
    await bed.sql(
      'UPDATE store.resource SET content = set_byte(content, 40, get_byte(content, 40) # 1) WHERE id = $1',
      [id],
    );
    return row!.content;
  }

  async function heal(id: string, content: Buffer): Promise<void> {
    await bed.sql('UPDATE store.resource SET content = $2 WHERE id = $1', [id, content]);
  }
}

async function metric(app: App, name: string): Promise<number> {
  const token = rolePassword(testRootKey, 'metrics');
  const { text } = await send(`http://127.0.0.1:${app.port}/metrics`, 'GET', undefined, {
    Authorization: `Bearer ${token}`,
  });
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('deliveries, queue on PostgreSQL', () => deliverAmiss(async () => undefined));
describeWith('redis', 'deliveries, queue on Redis', (program) => deliverAmiss(() => startRedis(program)));
