// Redis that stops or forgets everything while a server is under load; for the short and the long test of faults 16 and 17.

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { FaultBed, waitFor } from './bed.ts';
import { countStatuses, findProblems } from './checker.ts';
import { Load } from './load.ts';

const lanes = 4;

/** Defines the tests; `program` is redis-server. */
export function troubleRedis(
  program: string,
  { flushes, awayMs }: { readonly flushes: number; readonly awayMs: number },
): void {
  const perTestMs = 60_000 + awayMs + flushes * 2_000;
  let redis: TestRedis;
  let bed: FaultBed;
  let load: Load;
  beforeAll(async () => {
    redis = await startRedis(program);
    bed = await FaultBed.open();
    await bed.start({ redisUrl: redis.url });
    load = await Load.open(bed);
  });
  afterAll(async () => {
    await bed.close();
    await redis.stop();
  });

  test(
    'stopped: writes succeed and events wait; back: they are handled: fault 16',
    async () => {
      await underLoad(async (isServed) => {
        await redis.kill();
        const before = await pending();
        await isServed();
        await waitFor('events that wait', async () => (await pending()) > before + 3);
        expect((await bed.a.all('Invoice')).length).toBeLessThan(await outboxRows());
        await load.stop();
        await delay(awayMs);
        load.start(lanes);
        await isServed();
        await redis.start();
      });
    },
    perTestMs,
  );

  test(
    `FLUSHALL, ${flushes} times: the sweeper publishes again: fault 17`,
    async () => {
      await underLoad(async (isServed) => {
        const client = new Redis(redis.url);
        for (let round = 0; round < flushes; round++) {
          await client.flushall();
          await isServed();
        }
        client.disconnect();
      });
    },
    perTestMs,
  );

  /** `isServed` resolves after some more requests. */
  async function underLoad(fault: (isServed: () => Promise<void>) => Promise<void>): Promise<void> {
    const before = load.intents.length;
    const isServed = async () => {
      const enough = load.intents.length + 40;
      await waitFor('requests served', () => load.intents.length >= enough);
    };
    load.start(lanes);
    await isServed();
    await fault(isServed);
    await isServed();
    await load.stop();
    const { 200: done, 201: created, 409: clashes, ...others } = countStatuses(load.intents.slice(before));
    expect(others).toEqual({});
    console.log(`${await outboxRows()} events`, { done, created, clashes });
    expect(await findProblems(bed, load.intents)).toEqual([]);
  }

  async function pending(): Promise<number> {
    return (await bed.sql("SELECT FROM store.outbox WHERE status <> 'done'")).length;
  }

  async function outboxRows(): Promise<number> {
    return (await bed.sql('SELECT FROM store.outbox')).length;
  }
}
