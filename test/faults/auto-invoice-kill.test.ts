// One draft Invoice per fulfilled Appointment, though the workers die at every point where something is half done (faults 2 and 3).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWith } from '../support/machine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type Billing, closeBilling, openBilling, runRound } from './auto-invoice-kills.ts';
import { FaultBed } from './bed.ts';
import { findProblems } from './checker.ts';
import { failurePoints } from './queue-kills.ts';

function killOnce(startQueue: () => Promise<TestRedis | undefined>): void {
  let redis: TestRedis | undefined;
  let bed: FaultBed;
  let billing: Billing;
  beforeAll(async () => {
    redis = await startQueue();
    bed = await FaultBed.open();
    billing = await openBilling(bed, redis?.url);
  });
  afterAll(async () => {
    await closeBilling(billing);
    await bed.close();
    await redis?.stop();
  });

  test('a kill at each failure point, 32 Appointments, 32 draft Invoices', async () => {
    const { interruptions, startedAgain, drafts } = await runRound(billing, 1, 32);
    expect(interruptions.map(({ point }) => point)).toEqual(failurePoints);
    expect(startedAgain).toBeGreaterThan(0);
    expect(Object.values(drafts)).toEqual(Array(32).fill(1));
    expect(await bed.a.all('Invoice')).toHaveLength(32);
  }, 60_000);

  test('afterwards everything else holds too', async () => {
    expect(await findProblems(bed, [])).toEqual([]);
  });
}

describe('workers that are killed, queue on PostgreSQL', () => killOnce(async () => undefined));
describeWith('redis', 'workers that are killed, queue on Redis', (program) => killOnce(() => startRedis(program)));
