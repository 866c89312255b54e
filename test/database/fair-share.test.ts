// No tenant has all connections of a process, each that waits has its turn, and no connection is idle while somebody may have it.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type FairShare, shareFairly } from '../../src/database/fair-share.ts';
import type { PooledConnection } from '../../src/database/pool.ts';

const connection: PooledConnection = { send: () => Promise.resolve(), release: () => undefined };
const pool = { acquire: () => Promise.resolve(connection) };
const limits = { atOnceMax: 4, ofOneTenantMax: 3, waitingMax: 100 };

/** Transactions that end when they are told to, in the order in which they began. */
class Crowd {
  readonly begun: { readonly tenant: number; readonly number: number; end(): void }[] = [];
  readonly share: FairShare;
  asked = 0;

  constructor(share: FairShare) {
    this.share = share;
  }

  async ask(tenant: number): Promise<void> {
    const number = this.asked++;
    void this.share.acquire(tenant).then(({ release }) => {
      const end = () => {
        this.begun.splice(this.begun.indexOf(one), 1);
        release(true);
      };
      const one = { tenant, number, end };
      this.begun.push(one);
    });
    await settled();
  }

  async end(index: number): Promise<void> {
    this.begun[index]?.end();
    await settled();
  }

  /** Nobody is left waiting behind a test. */
  async empty(): Promise<void> {
    while (this.begun.length > 0) await this.end(0);
  }

  tenants(): number[] {
    return this.begun.map(({ tenant }) => tenant);
  }
}

/** All promises that can go on have. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('connections are shared', () => {
  test('one tenant has a part of them, and the others have the rest at once', async () => {
    const crowd = new Crowd(shareFairly(pool, limits));
    for (let n = 0; n < 20; n++) await crowd.ask(1);
    expect(crowd.tenants()).toEqual([1, 1, 1]);
    expect(crowd.share.waiting()).toBe(17);
    await crowd.ask(2);
    expect(crowd.tenants()).toEqual([1, 1, 1, 2]);
    await crowd.empty();
  });

  test('where all have one, whoever came with few does not wait for another crowd', async () => {
    const crowd = new Crowd(shareFairly(pool, limits));
    for (const tenant of [1, 1, 1, 2]) await crowd.ask(tenant);
    for (let n = 0; n < 20; n++) await crowd.ask(1);
    await crowd.ask(2);
    await crowd.ask(3);
    await crowd.end(0);
    expect(crowd.tenants()).toEqual([1, 1, 2, 1]);
    await crowd.end(0);
    await crowd.end(0);
    expect(crowd.tenants()).toEqual([2, 1, 2, 3]);
    await crowd.empty();
  });

  test('any crowd: the bounds hold, nobody waits who may begin, and each tenant is served in its order', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ tenant: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 2, arbitrary: fc.record({ end: fc.nat(3) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const crowd = new Crowd(shareFairly(pool, limits));
        const waiting = new Map<number, number[]>();
        for (const one of steps) {
          const before = new Set(crowd.begun);
          if ('tenant' in one) {
            waiting.set(one.tenant, [...(waiting.get(one.tenant) ?? []), crowd.asked]);
            await crowd.ask(one.tenant);
          } else await crowd.end(one.end);
          for (const { tenant, number } of crowd.begun.filter((begun) => !before.has(begun)))
            expect(waiting.get(tenant)?.shift()).toBe(number);
          const counts = Map.groupBy(crowd.tenants(), (tenant) => tenant);
          const ofOne = (tenant: number) => counts.get(tenant)?.length ?? 0;
          expect(crowd.begun.length).toBeLessThanOrEqual(limits.atOnceMax);
          for (const tenant of counts.keys()) expect(ofOne(tenant)).toBeLessThanOrEqual(limits.ofOneTenantMax);
          const mayBegin = [...waiting].filter(
            ([tenant, all]) => all.length > 0 && ofOne(tenant) < limits.ofOneTenantMax,
          );
          if (crowd.begun.length < limits.atOnceMax) expect(mayBegin).toEqual([]);
          const waitingInAll = [...waiting.values()].reduce((sum, all) => sum + all.length, 0);
          expect(crowd.share.waiting()).toBe(waitingInAll);
        }
        await crowd.empty();
        expect(crowd.share.waiting()).toBe(0);
      }),
    );
  });

  test('between two turns of a tenant that waits, every other one that waits has its own', async () => {
    const crowd = new Crowd(shareFairly(pool, { ...limits, atOnceMax: 1, ofOneTenantMax: 1 }));
    await crowd.ask(9);
    for (const tenant of [1, 1, 1, 2, 2, 2, 3]) await crowd.ask(tenant);
    const order: number[] = [];
    for (; crowd.share.waiting() > 0; order.push(...crowd.tenants())) await crowd.end(0);
    expect(order).toEqual([1, 2, 3, 1, 2, 1, 2]);
  });
});

describe('whoever waits is told', () => {
  test('503 after its patience, and its place is free for the next', async () => {
    const share = shareFairly(pool, { atOnceMax: 1, ofOneTenantMax: 1, waitingMax: 1, patienceMs: 1 });
    const { release } = await share.acquire(1);
    await expect(share.acquire(1)).rejects.toMatchObject({ status: 503 });
    expect(share.waiting()).toBe(0);
    release(true);
    await share.acquire(1);
  });

  test('503 at once where too many of its tenant wait', async () => {
    const share = shareFairly(pool, { atOnceMax: 1, ofOneTenantMax: 1, waitingMax: 1 });
    const { release } = await share.acquire(1);
    const patient = share.acquire(1);
    await expect(share.acquire(1)).rejects.toMatchObject({ status: 503 });
    release(true);
    (await patient).release(true);
  });

  test('a connection that cannot be had gives its turn back', async () => {
    let isAway = true;
    const failing = {
      acquire: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(connection)),
    };
    const share = shareFairly(failing, { atOnceMax: 1, ofOneTenantMax: 1, waitingMax: 10 });
    await expect(share.acquire(1)).rejects.toThrow('away');
    isAway = false;
    await share.acquire(1);
  });
});
