// What the desk does all day waits for the database as seldom as it can: so many messages each, with the commit.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Appointment } from '@medplum/fhirtypes';
import pg from 'pg';
import { writeSetting } from '../../../src/tenants/settings.ts';
import { buildAppointment, buildPatient, buildPractitioner } from '../../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../../support/server.ts';

/** The part of pg's Connection that ends a message; its published types leave it out. */
const connection = (pg as unknown as { Connection: { prototype: { sync(this: object): void } } }).Connection.prototype;
const { sync } = connection;

let server: TestServer;
let messages = 0;
let hour = 0;
beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  await server.app.doors.tenantDoor(server.a.id, async (trx) => writeSetting(trx, 'patients.check-duplicates', true));
  connection.sync = function counted(this: object) {
    messages += 1;
    sync.call(this);
  };
});
afterAll(async () => {
  connection.sync = sync;
  await server.close();
});

/** Each once in so many days; the fewest count, for what is known of settings and rights is asked for again each second. */
const days = 6;

async function fewest(steps: readonly string[], day: () => Promise<number[]>): Promise<Record<string, number>> {
  const counts: number[][] = [];
  for (let n = 0; n < days; n++) counts.push(await day());
  return Object.fromEntries(steps.map((step, index) => [step, Math.min(...counts.map((one) => one[index] as number))]));
}

async function counted(
  work: () => Promise<TestResponse>,
): Promise<{ readonly count: number; readonly json: Appointment }> {
  messages = 0;
  const { status, json, text } = await work();
  if (status >= 400) throw new Error(`${status} ${text}`);
  return { count: messages, json };
}

test('a registration, a booking and a visit', async () => {
  const { a } = server;
  const steps = ['register', 'book', 'arrive', 'check in', 'fulfil'];
  const found = await fewest(steps, async () => {
    hour += 1;
    const { json: doctor } = await a.request('POST', '/Practitioner', buildPractitioner());
    const patient = await counted(() =>
      a.request('POST', '/Patient', buildPatient({ name: [{ family: `P${hour}x` }] })),
    );
    const visit = buildAppointment(`Patient/${patient.json.id}`, `Practitioner/${doctor.id}`);
    const booked = await counted(() => a.request('POST', '/Appointment', visit));
    const counts = [patient.count, booked.count];
    let { json } = booked;
    for (const status of ['arrived', 'checked-in', 'fulfilled'] as const) {
      const moved = await counted(() => a.request('PUT', `/Appointment/${json.id}`, { ...json, status }));
      counts.push(moved.count);
      ({ json } = moved);
    }
    return counts;
  });
  expect(found).toEqual({ register: 2, book: 2, arrive: 3, 'check in': 4, fulfil: 4 });
});
