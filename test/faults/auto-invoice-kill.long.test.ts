// The full figure of domain.md section 3.6: 200 Appointments at concurrency 20, kills at every failure point, 20 rounds, both backends.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWith } from '../support/machine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type Billing, closeBilling, type KillRun, openBilling, runRound, summaryOf } from './auto-invoice-kills.ts';
import { FaultBed } from './bed.ts';
import { findProblems } from './checker.ts';
import { failurePoints } from './queue-kills.ts';

const rounds = Array.from({ length: 20 }, (_, index) => index + 1);
const appointments = 200;

function killAgainAndAgain(title: string, startQueue: () => Promise<TestRedis | undefined>): void {
  const runs: KillRun[] = [];
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
    process.stderr.write(`${summaryOf(title, runs)}\n`);
  });

  test.each(rounds)(`round %i: ${appointments} Appointments, ${appointments} draft Invoices`, async (round) => {
    const run = await runRound(billing, round, appointments);
    runs.push(run);
    const { interruptions, startedAgain, drafts } = run;
    expect(interruptions.map(({ point }) => point)).toEqual(failurePoints);
    expect(startedAgain).toBeGreaterThan(0);
    expect(Object.values(drafts)).toEqual(Array(appointments).fill(1));
    expect(await bed.a.all('Invoice')).toHaveLength(round * appointments);
  });

  test('afterwards everything else holds too', async () => {
    expect(await findProblems(bed, [])).toEqual([]);
  });
}

describe('PostgreSQL', () => killAgainAndAgain('Queue on PostgreSQL', async () => undefined));
describeWith('redis', 'Redis', (program) => killAgainAndAgain('Queue on Redis', () => startRedis(program)));
