// Tenants share the queue: a crowd of events of one keeps no other's waiting, and loses none, on both backends.

import { expect, test } from '@jest/globals';
import { countingHandler } from './counting-handler.ts';
import { onBothBackends, until } from './job-bed.ts';

onBothBackends('a crowd of events', (bed) => {
  test('of one tenant keeps no other waiting: only so many of each are in the queue', async () => {
    const crowd = await bed().add(300);
    const relay = bed().start({ parts: 'relay', republishAfterMs: 600_000 });
    const published = async () => (await bed().outbox(crowd)).filter(({ status }) => status === 'published').length;
    await until(async () => (await published()) === 50);
    const later = await bed().add(1, bed().tenants[1]);
    await bed().allAre('published', later);
    expect(await published()).toBe(50);
    const worker = bed().start({ parts: 'worker' });
    await bed().allAre('done', [...crowd, ...later]);
    expect(await bed().effects([...crowd, ...later])).toEqual(Array(301).fill(1));
    await Promise.all([relay.close(5_000), worker.close(5_000)]);
  });

  test('that fail again and again take no place from the others of its tenant', async () => {
    const isPoison = new Set(await bed().add(60));
    const handler = countingHandler('count', async (_, event) => {
      if (isPoison.has(event.resourceId)) throw new Error('again');
    });
    const jobs = bed().start({ handlers: [handler], attemptsMax: 1_000, backoffMs: 50, concurrency: 8 });
    const others = await bed().add(10);
    await bed().allAre('done', others);
    const failing = [...isPoison];
    expect((await bed().outbox(failing)).some(({ status }) => status === 'done' || status === 'dead')).toBe(false);
    isPoison.clear();
    await bed().allAre('done', failing);
    await jobs.close(5_000);
  });
});
