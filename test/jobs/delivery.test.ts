// From the commit of an event to its effect: once each, whatever is repeated, reordered, forged or failing, on both backends.

import { expect, test } from '@jest/globals';
import { addToOutbox, SettledError } from '../../src/jobs/outbox.ts';
import { countingHandler, topic } from './counting-handler.ts';
import { newEvent, onBothBackends, runSql, until } from './job-bed.ts';

/** Printed by Jest with a failure, as part of the title. */
const seed = 20_260_704;

onBothBackends('delivery', (bed) => {
  test('every committed event has its effect once and is done', async () => {
    const jobs = bed().start();
    const [a, b] = await Promise.all([bed().add(150), bed().add(30, bed().tenants[1])]);
    await bed().allAre('done', [...a, ...b]);
    expect(await bed().effects([...a, ...b])).toEqual(Array(180).fill(1));
    await jobs.close(5_000);
    const queue = bed().openQueue();
    expect(Object.values(await queue.getJobCounts()).reduce((sum, count) => sum + count)).toBe(0);
    await queue.close();
  });

  test(`ten deliveries of each event, shuffled, have one effect: fault 21 (seed ${seed})`, async () => {
    const relay = bed().start({ parts: 'relay', republishAfterMs: 600_000 });
    const ids = await bed().add(20);
    await bed().allAre('published', ids);
    await relay.close(5_000);
    const rows = await bed().outbox(ids);
    const repeated = rows.flatMap((row) =>
      Array.from({ length: 10 }, (_, n) => ({ row, jobId: `again-${n}-${row.id}` })),
    );
    const queue = bed().openQueue();
    for (const { row, jobId } of shuffle(repeated, seed)) {
      await queue.add(topic, { tenantId: row.tenantId, outboxId: row.id }, { jobId, removeOnComplete: true });
    }
    const worker = bed().start({ parts: 'worker', concurrency: 8 });
    await until(async () => (await queue.getJobCountByTypes('waiting', 'active', 'delayed')) === 0);
    expect(await bed().effects(ids)).toEqual(Array(20).fill(1));
    expect(new Set((await bed().outbox(ids)).map((row) => row.status))).toEqual(new Set(['done']));
    await worker.close(5_000);
    await queue.close();
  });

  test('an event with a time is handled when it has come, not before', async () => {
    const [soon, late] = [newEvent('soon'), newEvent('late')];
    const dueAt = (seconds: number) => new Date(Date.now() + seconds * 1_000);
    await bed().tenantDoor(bed().tenants[0], async (trx) => {
      addToOutbox(trx, [
        { ...soon, dueAt: dueAt(-1) },
        { ...late, dueAt: dueAt(3_600) },
      ]);
    });
    const rows = await runSql<{ status: string }>(
      bed().database.url,
      "SELECT resource_id, status FROM store.outbox WHERE resource_id IN ('soon', 'late')",
    );
    expect(rows.map(({ status }) => status)).toEqual(['waiting', 'waiting']);
    const jobs = bed().start();
    await bed().allAre('done', ['soon']);
    // What was due at once passes by what waits.
    await bed().allAre('done', await bed().add(1));
    await bed().allAre('waiting', ['late']);
    expect(await bed().effects(['soon', 'late'])).toEqual([1, 0]);
    await runSql(bed().database.url, "UPDATE store.outbox SET due_at = now() WHERE resource_id = 'late'");
    await bed().allAre('done', ['late']);
    await jobs.close(5_000);
  });

  test('two relays and two workers share the events', async () => {
    const started = [bed().start(), bed().start()];
    await Promise.all(started.map((jobs) => jobs.ready));
    const before = bed().measured.filter((name) => name === 'done').length;
    const ids = (await Promise.all(Array.from({ length: 20 }, () => bed().add(15)))).flat();
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual(Array(300).fill(1));
    await Promise.all(started.map((jobs) => jobs.close(5_000)));
    expect(bed().measured.filter((name) => name === 'done').length - before).toBe(300);
  });

  test('a poison event is dead after its attempts while others flow: fault 23', async () => {
    const isPoison = new Set<string>();
    const handler = countingHandler('count', async (_, event) => {
      if (isPoison.has(event.resourceId)) throw new Error('Jane Roe cannot be billed');
    });
    const ids = await bed().add(30);
    const poison = [ids[3]!, ids[17]!];
    for (const id of poison) isPoison.add(id);
    const jobs = bed().start({ handlers: [handler] });
    const others = ids.filter((id) => !isPoison.has(id));
    await Promise.all([bed().allAre('dead', poison), bed().allAre('done', others)]);
    expect(await bed().effects(others)).toEqual(Array(28).fill(1));
    expect(await bed().effects(poison)).toEqual([0, 0]);
    expect((await bed().outbox(poison)).map((row) => row.attempts)).toEqual([4, 4]);
    await jobs.close(5_000);
    expect(bed().measured.filter((name) => name === 'dead')).toHaveLength(2);
    expect(bed().logged.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(JSON.stringify(bed().logged)).not.toContain('Jane Roe');
  });

  test('an event that its handler calls settled is undone, done, and neither tried again nor called failed', async () => {
    let runs = 0;
    const handler = countingHandler('count', async () => {
      runs += 1;
      throw new SettledError('Jane Roe was refused.');
    });
    const [logsBefore, measuredBefore] = [bed().logged.length, bed().measured.length];
    const jobs = bed().start({ handlers: [handler] });
    const ids = await bed().add(1);
    await bed().allAre('done', ids);
    await jobs.close(5_000);
    expect(await bed().effects(ids)).toEqual([0]);
    expect(runs).toBe(1);
    expect((await bed().outbox(ids)).map(({ attempts }) => attempts)).toEqual([0]);
    const warnings = bed().logged.slice(logsBefore);
    expect(warnings.map(({ message }) => message)).toEqual(['A job was refused and will not be tried again.']);
    expect(JSON.stringify(warnings)).not.toContain('Jane Roe');
    expect(bed().measured.slice(measuredBefore)).toEqual(['done']);
  });

  test('what a handler threw is not stored in the queue: it may quote a patient', async () => {
    const failed = Promise.withResolvers<void>();
    const handler = countingHandler('count', async () => {
      failed.resolve();
      throw new Error('Jane Roe cannot be billed');
    });
    const jobs = bed().start({ handlers: [handler], backoffMs: 60_000 });
    const [id] = await bed().add(1);
    await failed.promise;
    const queue = bed().openQueue();
    await until(async () => (await queue.getJobCountByTypes('delayed')) === 1);
    const [job] = await queue.getJobs('delayed');
    expect(job?.failedReason).toBe('The job failed; the log says why.');
    expect(JSON.stringify(job)).not.toContain('Jane Roe');
    const [row] = await bed().outbox([id!]);
    expect(job?.data).toEqual({ tenantId: row?.tenantId, outboxId: row?.id });
    expect(job?.id).toBe(row?.id);
    await job?.remove();
    await queue.close();
    await jobs.close(5_000);
  });

  test('a job that names another tenant than the event has, or nothing at all, is dropped with a warning: attack 21', async () => {
    const jobs = bed().start({ parts: 'worker' });
    const ids = await bed().add(1);
    const [row] = await bed().outbox(ids);
    const forged = [
      { tenantId: bed().tenants[1], outboxId: row!.id },
      { tenantId: bed().tenants[0], outboxId: '01980000-0000-7000-8000-000000000000' },
      { tenantId: 987_654, outboxId: row!.id },
      { tenantId: String(bed().tenants[0]), outboxId: row!.id },
      { tenantId: bed().tenants[0], outboxId: "' OR true --" },
      { tenantId: 2 ** 40, outboxId: row!.id },
      {},
      null,
    ];
    const queue = bed().openQueue();
    for (const [n, data] of forged.entries()) {
      await queue.add(topic, data, { jobId: `forged-${n}`, removeOnComplete: true });
    }
    await until(() => bed().measured.filter((name) => name === 'dropped').length === forged.length);
    const warnings = bed().logged.filter(({ message }) => message.includes('names no event'));
    expect(warnings).toHaveLength(forged.length);
    // Several jobs run at a time, so the warnings come in any order.
    const foreign = { tenantId: bed().tenants[1], outboxId: row!.id };
    expect(warnings.map(({ fields }) => fields)).toContainEqual(expect.objectContaining(foreign));
    expect(await bed().effects(ids)).toEqual([0]);
    expect((await bed().outbox(ids))[0]?.status).toBe('pending');
    await queue.close();
    await jobs.close(5_000);
    // Left as it is, it would be the first job of a later test.
    const rest = bed().start();
    await bed().allAre('done', ids);
    await rest.close(5_000);
  });

  test('two handlers of a topic each have their effect; the failure of one neither undoes nor repeats the other', async () => {
    let failures = 2;
    const failing = countingHandler('fails-twice', async () => {
      if (failures-- > 0) throw new Error('not yet');
    });
    const jobs = bed().start({ handlers: [failing, countingHandler('steady')] });
    const ids = await bed().add(1);
    await bed().allAre('done', ids);
    expect(await bed().effects(ids, 'fails-twice')).toEqual([1]);
    expect(await bed().effects(ids, 'steady')).toEqual([1]);
    await jobs.close(5_000);
  });

  test('an event of a topic that nobody handles is dead in the end, not silently done', async () => {
    const jobs = bed().start();
    const ids = await bed().add(1, bed().tenants[0], 'nobody.knows');
    await bed().allAre('dead', ids);
    await jobs.close(5_000);
  });

  test('close lets a running job finish and takes no other: fault 26', async () => {
    const [running, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const added = Promise.withResolvers<readonly string[]>();
    const handler = countingHandler('count', async (_, { resourceId }) => {
      // An event of an earlier test may have been published once more, and 'count' was none of its handlers.
      if (!(await added.promise).includes(resourceId)) return;
      running.resolve();
      await finish.promise;
    });
    const jobs = bed().start({ handlers: [handler], concurrency: 1 });
    const ids = await bed().add(5);
    added.resolve(ids);
    await running.promise;
    const closed = jobs.close(20_000);
    finish.resolve();
    await closed;
    const states = (await bed().outbox(ids)).map((row) => row.status);
    expect(states.filter((status) => status === 'done')).toHaveLength(1);
    expect((await bed().effects(ids)).reduce((sum, count) => sum + count)).toBe(1);
    const next = bed().start();
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual(Array(5).fill(1));
    await next.close(5_000);
  });

  test('close does not wait for ever', async () => {
    const [running, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const handler = countingHandler('count', async () => {
      running.resolve();
      await finish.promise;
    });
    const jobs = bed().start({ handlers: [handler] });
    const ids = await bed().add(1);
    await running.promise;
    await jobs.close(50);
    expect(bed().logged.at(-1)?.message).toContain('still running');
    finish.resolve();
    const next = bed().start();
    await bed().allAre('done', ids);
    expect(await bed().effects(ids)).toEqual([1]);
    await next.close(5_000);
  });
});

/** Fisher and Yates, with a linear congruential generator. */
function shuffle<T>(list: readonly T[], from: number): T[] {
  const shuffled = [...list];
  let state = from;
  for (let last = shuffled.length - 1; last > 0; last--) {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    const other = state % (last + 1);
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}
