// One draft Invoice per fulfilled Appointment, though the workers die at every point where something is half done (faults 2 and 3).
// Here with the queue on PostgreSQL: queue-kill.test.ts kills at the same points on both backends, and the long test bills on both.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Billing, closeBilling, openBilling, runRound } from './auto-invoice-kills.ts';
import { FaultBed } from './bed.ts';
import { findProblems } from './checker.ts';
import { failurePoints } from './queue-kills.ts';

let bed: FaultBed;
let billing: Billing;
beforeAll(async () => {
  bed = await FaultBed.open();
  billing = await openBilling(bed);
});
afterAll(async () => {
  await closeBilling(billing);
  await bed.close();
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
