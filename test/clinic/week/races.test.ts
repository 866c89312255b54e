// Fifty at once, where no other file has that race at fifty: security.md 113 to 115, 118 to 121. Afterwards the whole clinic's books agree.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Appointment, ChargeItem, Encounter, Invoice, Patient, PaymentReconciliation } from '@medplum/fhirtypes';
import { expectRefusal } from '../../api/refusals.ts';
import { buildAppointment, buildPatient, buildPractitioner, buildPrice } from '../../support/builders.ts';
import { startTestServer, type TestResponse, type TestServer } from '../../support/server.ts';
import { buildInvoice, buildPayment, referenceTo, type Stored, Till } from '../payments/till.ts';
import { tally } from '../scheduling/desk.ts';
import { bookOneTime, deadlocksOf } from './book-one-time.ts';
import { numberIn, readAll } from './books.ts';
import { automaticOf, isBilled } from './check-visits.ts';
import { checkWeek } from './check-week.ts';

const many = 50;
const patchType = { 'Content-Type': 'application/json-patch+json' };

let server: TestServer;
let till: Till;
let patient: string;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer();
  till = new Till(server.a);
  await till.created(buildPrice(80));
});
afterAll(() => server.close());
beforeEach(async () => {
  patient = await till.patient();
  doctor = referenceTo(await till.created(buildPractitioner()));
});

/** A server that is busy says so, having done nothing: whoever wants something asks again. */
async function atOnce(work: (index: number) => Promise<TestResponse>): Promise<TestResponse[]> {
  const answered = async (index: number) => {
    for (;;) {
      const answer = await work(index);
      if (answer.status !== 503) return answer;
    }
  };
  return await Promise.all(Array.from({ length: many }, (_, index) => answered(index)));
}

const patch = (path: string, ...operations: object[]) =>
  server.a.request('PATCH', path, JSON.stringify(operations), patchType);
const replaced = (path: string, value: unknown) => ({ op: 'replace', path, value });

describe('113, 114: fifty payments of one Invoice with two Idempotency-Keys', () => {
  test('are two payments: one effect a key, the second all credit', async () => {
    const invoice = await till.invoice(patient, 100);
    const bodies = [0, 1].map(() => buildPayment(100, { issuer: patient, details: [[referenceTo(invoice), 100]] }));
    const answers = await atOnce((index) => till.post(bodies[index % 2]!, { 'Idempotency-Key': `113-${index % 2}` }));
    const taken = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    expect(new Set(taken.map(({ json }) => json.id)).size).toBe(2);
    expect(await till.search(`PaymentReconciliation?patient=${patient}`)).toHaveLength(2);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
  });

  test('another body under a key of them is 422, and nothing is taken', async () => {
    const header = { 'Idempotency-Key': '114' };
    const answers = await atOnce((index) => till.post(buildPayment(index + 1, { issuer: patient }), header));
    expect(tally(answers)[201]).toBe(1);
    expect(answers.filter(({ status }) => ![201, 409, 422].includes(status))).toEqual([]);
    expect(await till.search(`PaymentReconciliation?patient=${patient}`)).toHaveLength(1);
  });
});

test('115: fifty who finish one visit, by Appointment and by Encounter: one Invoice, one ChargeItem, all are told 200', async () => {
  const { id } = await till.created<Appointment>(buildAppointment(patient, doctor));
  await patch(`/Appointment/${id}`, replaced('/status', 'checked-in'));
  const [encounter] = await till.search<Encounter>(`Encounter?appointment=Appointment/${id}`);
  await patch(`/Encounter/${encounter!.id}`, replaced('/status', 'in-progress'));
  const answers = await atOnce((index) =>
    index % 2 === 0
      ? patch(`/Appointment/${id}`, replaced('/status', 'fulfilled'))
      : patch(`/Encounter/${encounter!.id}`, replaced('/status', 'finished')),
  );
  expect(tally(answers)).toEqual({ 200: many });
  await waitForDrafts();
  const invoices = (await readAll<Invoice>(server.a, 'Invoice')).filter((one) => automaticOf(one) === id);
  const charges = await till.search<ChargeItem>(`ChargeItem?subject=${patient}`);
  expect([invoices.length, charges.length]).toEqual([1, 1]);
});

test('115: fifty issues of one draft: one number, one charge', async () => {
  const draft = await till.invoice(patient, 100, { status: 'draft' });
  const answers = await atOnce(() => server.a.request('PUT', `/Invoice/${draft.id}`, { ...draft, status: 'issued' }));
  expect(tally(answers)).toEqual({ 200: many });
  expect(new Set(answers.map(({ json }) => numberIn(json, 'invoice'))).size).toBe(1);
  expect(await till.journalsOf(referenceTo(draft))).toHaveLength(1);
});

describe('118: an Invoice of 100 that is paid by 2 twenty-five times', () => {
  test('while it is cancelled twenty-five times: cancelled, or paid, never both', async () => {
    const invoice = await till.invoice(patient, 100);
    const cancelled = { ...invoice, status: 'cancelled', cancelledReason: 'Written by mistake' };
    const answers = await atOnce((index) =>
      index % 2 === 0
        ? till.post(buildPayment(2, { issuer: patient, details: [[referenceTo(invoice), 2]] }))
        : server.a.request('PUT', `/Invoice/${invoice.id}`, cancelled),
    );
    expect(answers.filter(({ status }) => ![200, 201, 409, 422].includes(status))).toEqual([]);
    const paid = answers.filter((one, index) => index % 2 === 0 && one.status === 201).length;
    const { status } = await till.read<Invoice>(referenceTo(invoice));
    expect([status, paid]).toEqual(status === 'cancelled' ? ['cancelled', 0] : ['issued', many / 2]);
  });

  test('while its total is lowered twenty-five times: the payments count, no total changes', async () => {
    const invoice = await till.invoice(patient, 100);
    const less = { ...buildInvoice(patient, 1), id: invoice.id };
    const answers = await atOnce((index) =>
      index % 2 === 0
        ? till.post(buildPayment(2, { issuer: patient, details: [[referenceTo(invoice), 2]] }))
        : server.a.request('PUT', `/Invoice/${invoice.id}`, less),
    );
    for (const [index, answer] of answers.entries()) if (index % 2) expectRefusal(answer, [409, 422]);
    expect(await till.stateOf(invoice)).toBe('issued partial 50');
    expect((await till.read<Invoice>(referenceTo(invoice))).totalGross?.value).toBe(100);
  });
});

describe('119: fifty bookings of one time', () => {
  test('of a practitioner and a room, named in opposite orders: one 201, the others 409', async () => {
    expect(tally(await bookOneTime(till, many))).toEqual({ 201: 1, 409: many - 1 });
  });

  test('by pairs of five practitioners, in either order: whoever has one has both', async () => {
    const doctors = await Promise.all(Array.from({ length: 5 }, () => till.created(buildPractitioner())));
    const answers = await atOnce((index) => {
      const pair = [doctors[index % 5]!, doctors[(index + 1 + (index % 4)) % 5]!].map(referenceTo);
      const participant = [patient, ...pair].map((reference) => ({
        actor: { reference },
        status: 'accepted' as const,
      }));
      return server.a.request('POST', '/Appointment', buildAppointment(patient, doctor, { participant }));
    });
    const counts = tally(answers);
    expect(counts[201]! + counts[409]!).toBe(many);
    expect(counts[201]).toBeGreaterThanOrEqual(1);
    expect(counts[201]).toBeLessThanOrEqual(2);
  });
});

describe('120: the start of an Appointment', () => {
  test.each([
    '2026-11-23T24:00:00Z',
    '2026-11-23T09:00:00',
    '2026-02-30T09:00:00Z',
    '2026-11-23T09:00:00+15:00',
    '10000-01-01T00:00:00Z',
  ])('%s is no instant: 422', async (start) => {
    expectRefusal(await server.a.request('POST', '/Appointment', buildAppointment(patient, doctor, { start })), 422);
  });

  test('is one instant in every zone: +14:00, -12:00 and Z clash', async () => {
    const zones = ['+14:00', '-12:00', 'Z'];
    const shifted = { '+14:00': '2026-11-23T23:00:00', '-12:00': '2026-11-22T21:00:00', Z: '2026-11-23T09:00:00' };
    const answers = await atOnce((index) => {
      const zone = zones[index % 3] as keyof typeof shifted;
      const start = `${shifted[zone]}${zone}`;
      const end = `${shifted[zone].replace(':00:00', ':30:00')}${zone}`;
      return server.a.request('POST', '/Appointment', buildAppointment(patient, doctor, { start, end }));
    });
    expect(tally(answers)).toEqual({ 201: 1, 409: many - 1 });
  });

  test.each(['0001-01-01', '9999-12-31'])(
    'in the year of %s is stored as sent, or refused: never a failure',
    async (day) => {
      const times = { start: `${day}T09:00:00Z`, end: `${day}T09:30:00Z` };
      const answer = await server.a.request('POST', '/Appointment', buildAppointment(patient, doctor, times));
      if (answer.status === 201) expect(answer.json).toMatchObject(times);
      else expectRefusal(answer, [400, 422]);
    },
  );
});

describe('121: the clock is the server’s', () => {
  test('whatever Date and lastUpdated fifty clients send: versions and their times go up one by one', async () => {
    const stored = await till.created<Patient>(buildPatient());
    const before = Date.now();
    const answers = await atOnce((index) => {
      const meta = { lastUpdated: index % 2 ? '2001-01-01T00:00:00Z' : '2099-01-01T00:00:00Z', versionId: '999' };
      const body = { ...stored, meta, birthDate: `19${10 + index}-01-01` };
      return server.a.request('PUT', `/Patient/${stored.id}`, body, { Date: 'Mon, 01 Jan 2001 00:00:00 GMT' });
    });
    expect(tally(answers)).toEqual({ 200: many });
    const { json } = await server.a.request('GET', `/Patient/${stored.id}/_history?_count=100`);
    const versions = (json.entry as { resource: Patient }[]).map(({ resource }) => resource.meta!).reverse();
    expect(versions.map(({ versionId }) => versionId)).toEqual(
      Array.from({ length: many + 1 }, (_, index) => `${index + 1}`),
    );
    const times = versions.map(({ lastUpdated = '' }) => Date.parse(lastUpdated));
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
    expect(times[1]).toBeGreaterThanOrEqual(before - 1_000);
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  test('money of tomorrow is 422, however late the client’s clock says it is', async () => {
    const date = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    const late = { Date: new Date(Date.now() + 3 * 86_400_000).toUTCString() };
    const answers = await atOnce(() => till.post(buildPayment(5, { issuer: patient, date }), late));
    expect(tally(answers)).toEqual({ 422: many });
    expect(await till.search<PaymentReconciliation>(`PaymentReconciliation?patient=${patient}`)).toEqual([]);
  });
});

test('35: credit of a deposit is applied when an Invoice is issued, over HTTP', async () => {
  await till.paid(30, { type: 'advance', issuer: patient });
  const invoice: Stored<Invoice> = await till.invoice(patient, 100);
  expect(await till.stateOf(invoice)).toBe('issued partial 70');
});

test('after all of that the books of the clinic agree, and PostgreSQL has met no deadlock', async () => {
  await waitForDrafts();
  expect(await checkWeek(server.a)).toBeUndefined();
  expect(await deadlocksOf(server)).toEqual([]);
});

/** Every fulfilled visit has its draft: the job is quick, and the test’s own time limit ends the wait. */
async function waitForDrafts(): Promise<void> {
  for (;;) {
    const drafted = new Set((await readAll<Invoice>(server.a, 'Invoice')).map(automaticOf));
    const fulfilled = (await readAll<Appointment>(server.a, 'Appointment')).filter(isBilled);
    if (fulfilled.every(({ id }) => drafted.has(id))) return;
  }
}
