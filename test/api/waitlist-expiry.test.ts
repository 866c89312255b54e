// An offer that nobody takes up goes to the next on the waiting list: domain.md SM-1 and section 6, Waitlist.

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Appointment } from '@medplum/fhirtypes';
import type { Stored } from '../clinic/scheduling/desk.ts';
import {
  at,
  cancelationReason,
  holdExpiresUrl,
  type Office,
  proposal,
  quickJobs,
  useOffice,
} from '../clinic/scheduling/office.ts';
import { runSql } from '../jobs/job-bed.ts';
import type { TestServer } from '../support/server.ts';

/** How far the server's clock is ahead of the tests'. */
let aheadMs = 0;
let server: TestServer;
let office: Office;
useOffice(
  (opened) => {
    ({ server, office } = opened);
  },
  { ...quickJobs, now: () => new Date(Date.now() + aheadMs) },
);

async function waiting(doctor: string, priority: number): Promise<Stored<Appointment>> {
  const participant = [await office.patient(), doctor].map((reference) => ({
    actor: { reference },
    status: 'needs-action' as const,
  }));
  const requestedPeriod = [{ start: at('00:00'), end: at('00:00', 7) }];
  return await office.create<Appointment>({
    ...{ resourceType: 'Appointment', status: 'waitlist', participant, priority, requestedPeriod },
  });
}

async function until(appointment: Stored<Appointment>, status: Appointment['status']): Promise<Stored<Appointment>> {
  for (;;) {
    const { json } = await office.get(`Appointment/${appointment.id}`);
    if (json.status === status) return json;
    await delay(30);
  }
}

test('the first is back on the list as before and not asked again; the next has the time', async () => {
  const doctor = await office.doctor();
  const visit = await office.booked(proposal([doctor], at('09:00')));
  const [first, second] = [await waiting(doctor, 1), await waiting(doctor, 2)];
  expect((await office.put({ ...visit, status: 'cancelled', cancelationReason })).status).toBe(200);
  await until(first, 'pending');
  // Two hours later.
  aheadMs = 7_200_000;
  await runSql(server.database.url, "UPDATE store.outbox SET due_at = now() WHERE status = 'waiting'");
  const back = await until(first, 'waitlist');
  const { meta: _meta, ...content } = back;
  const { meta: _before, ...before } = first;
  expect(content).toEqual(before);
  const offered = await until(second, 'pending');
  expect(offered.start).toBe(at('09:00'));
  expect(offered.extension?.some(({ url }) => url === holdExpiresUrl)).toBe(true);
});
