// What is booked or billed while two Patients are merged is the survivor's: domain.md `$merge`, section 6 "Patient merge".

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Appointment, ChargeItem, Invoice, Parameters, Patient, Resource } from '@medplum/fhirtypes';
import type pg from 'pg';
import { buildAppointment } from '../support/builders.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function made<T extends Resource>(resource: T): Promise<T & { readonly id: string }> {
  const { status, json } = await server.a.request('POST', `/${resource.resourceType}`, resource);
  expect([status, json.issue]).toEqual([201, undefined]);
  return json;
}

let people = 0;
async function person(): Promise<string> {
  people += 1;
  const name = [{ family: `Raced${people}x` }];
  return `Patient/${(await made<Patient>({ resourceType: 'Patient', active: true, name })).id}`;
}

function merge(source: string, target: string): Promise<TestResponse> {
  const parameter = [
    { name: 'source-patient', valueReference: { reference: source } },
    { name: 'target-patient', valueReference: { reference: target } },
  ];
  return server.a.request('POST', '/Patient/$merge', { resourceType: 'Parameters', parameter } satisfies Parameters);
}

/** Until so many others wait for locks, or it is over. */
async function untilBlocked(client: pg.Client, count: number, work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  work.then(end, end);
  const text = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  while (!isOver && (await client.query(text)).rows.length < count) {
    // A transaction lists no backend that is younger than its first look, which a merge on a new connection is.
    await client.query('SELECT pg_stat_clear_snapshot()');
  }
}

test('a booking that commits while the merge is under way is booked for the survivor', async () => {
  const { a, database } = server;
  const [source, target] = [await person(), await person()];
  const [booked, merged] = await withClient(database.url, async (client) => {
    // Who books waits for the calendar, when it was looked up long before that nobody is merged.
    await client.query('BEGIN');
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended('calendar ' || $1::text, 0))", [String(a.id)]);
    const booking = a.request('POST', '/Appointment', buildAppointment(source, 'Practitioner/raced'));
    await untilBlocked(client, 1, booking);
    const merging = merge(source, target);
    await untilBlocked(client, 2, merging);
    await client.query('COMMIT');
    return await Promise.all([booking, merging]);
  });
  expect([booked.status, merged.status]).toEqual([201, 200]);
  const { json } = await a.request('GET', `/Appointment/${booked.json.id}`);
  expect(JSON.stringify(json)).toContain(target);
  expect(JSON.stringify(json)).not.toContain(source);
});

test('a visit that is billed while the merge waits for it is billed to the survivor', async () => {
  const { a, database } = server;
  const [source, target] = [await person(), await person()];
  const visit = await made(buildAppointment(source, 'Practitioner/raced-too', { status: 'booked' }));
  const merged = await withClient(database.url, async (client) => {
    // The job has read the Appointment, and waits for its key.
    await client.query('BEGIN');
    await client.query("INSERT INTO store.auto_invoice (tenant_id, appointment_id, invoice_id) VALUES ($1, $2, 'x')", [
      a.id,
      visit.id,
    ]);
    await a.request('PUT', `/Appointment/${visit.id}`, { ...visit, status: 'fulfilled' });
    await untilBlocked(client, 1, new Promise(() => undefined));
    const merging = merge(source, target);
    await untilBlocked(client, 2, merging);
    await client.query('ROLLBACK');
    return await merging;
  });
  expect(merged.status).toBe(200);
  const identifier = encodeURIComponent(`https://hpms.example/fhir/sid/auto-invoice|${visit.id}`);
  const found = async (path: string) => (await a.request('GET', path)).json.entry ?? [];
  let invoices: { resource: Invoice }[] = [];
  while (invoices.length === 0) invoices = await found(`/Invoice?identifier=${identifier}`);
  const charges: { resource: ChargeItem | Appointment }[] = await found(`/ChargeItem?subject=${source},${target}`);
  expect(invoices.map(({ resource }) => resource.subject?.reference)).toEqual([target]);
  expect(charges.map(({ resource }) => (resource as ChargeItem).subject.reference)).toEqual([target]);
});
