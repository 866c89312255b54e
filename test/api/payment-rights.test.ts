// Who takes money, gives it back, voids and approves: roles over HTTP (contract.md 2, 48, 49; domain.md section 5).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import { buildPayment, netAmountOf, referenceTo, type Stored, Till, urls } from '../clinic/payments/till.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { adminOf } from './admin-requests.ts';
import { clientOf, type TestClient } from './clients.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let till: Till;
let patient: string;
let invoice: Stored<Invoice>;
let payment: Stored<PaymentReconciliation>;
const clients = new Map<string, TestClient>();

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
  for (const role of [
    'cashier',
    'front-desk',
    'billing-manager',
    'billing-staff',
    'clinic-admin',
    'nurse',
    'auditor',
  ]) {
    clients.set(role, await clientOf(server, server.a, '', [role]));
  }
  clients.set('system', await clientOf(server, server.a, 'system/*.cruds'));
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});
beforeEach(async () => {
  patient = await till.patient();
  invoice = await till.invoice(patient, 500);
  payment = await till.paid(300, { details: forInvoice(300) });
});

const forInvoice = (amount: number) => [[referenceTo(invoice), amount]] as const;
const as = (role: string) => new Till({ ...server.a, request: clients.get(role)!.request });
const setting = (key: string, value: unknown) => adminOf(server, server.a)('PUT', `/settings/${key}`, { value });

describe('money is taken', () => {
  test.each(['cashier', 'billing-manager', 'billing-staff', 'system'])('by %s', async (role) => {
    expect((await as(role).post(buildPayment(10, { details: forInvoice(10) }))).status).toBe(201);
  });

  test.each(['clinic-admin', 'nurse', 'auditor'])('not by %s as a role (49)', async (role) => {
    expectRefusal(await as(role).post(buildPayment(10, { details: forInvoice(10) })), 403);
    expect(await till.stateOf(invoice)).toBe('issued partial 200');
  });

  test('at the front desk as copay and deposit only (S2-R5)', async () => {
    const desk = as('front-desk');
    expect((await desk.post(buildPayment(10, { type: 'copay', issuer: patient }))).status).toBe(201);
    expect((await desk.post(buildPayment(10, { type: 'advance', issuer: patient }))).status).toBe(201);
    expectRefusal(await desk.post(buildPayment(10, { details: forInvoice(10) })), 403);
  });
});

describe('a refund', () => {
  const refund = (role: string, amount: number, parts = {}) =>
    as(role).refund(amount, referenceTo(payment), { details: forInvoice(amount), ...parts });

  test('of a cashier is up to the limit, above it 403 (49)', async () => {
    expect((await refund('cashier', 100)).status).toBe(201);
    expectRefusal(await refund('cashier', 100.01), 403);
    expect((await setting('payments.refund-limit', 20)).status).toBe(200);
    payment = await till.paid(100, { details: forInvoice(100) });
    expectRefusal(await refund('cashier', 20.01), 403);
    expect((await refund('cashier', 20)).status).toBe(201);
    await setting('payments.refund-limit', 100);
  });

  test('of a cashier counts with those before of the same payment (49)', async () => {
    expect((await refund('cashier', 60)).status).toBe(201);
    expectRefusal(await refund('cashier', 40.01), 403);
    const last = await refund('cashier', 40);
    expect(last.status).toBe(201);
    expectRefusal(await refund('cashier', 0.01), 403);
    expect((await till.void(last.json)).status).toBe(200);
    expect((await refund('cashier', 40)).status).toBe(201);
    expect((await refund('billing-manager', 100)).status).toBe(201);
  });

  test('of a cashier is of the day of the payment', async () => {
    payment = await till.paid(50, { date: '2026-01-05', details: forInvoice(50) });
    expectRefusal(await refund('cashier', 10), 403);
    expect((await refund('cashier', 10, { date: '2026-01-05' })).status).toBe(201);
  });

  test.each(['billing-manager', 'system'])('of %s has no limit of a role', async (role) => {
    expect((await refund(role, 250)).status).toBe(201);
  });

  test.each(['front-desk', 'clinic-admin', 'nurse'])('of %s is 403', async (role) => {
    expectRefusal(await refund(role, 1), 403);
    expect(await till.stateOf(invoice)).toBe('issued partial 200');
  });
});

describe('a void', () => {
  test.each(['cashier', 'front-desk', 'billing-staff', 'clinic-admin', 'nurse'])('of %s is 403', async (role) => {
    expectRefusal(await as(role).void(payment), 403);
    expect(await till.stateOf(invoice)).toBe('issued partial 200');
  });

  test('of the billing manager takes the payment back', async () => {
    expect((await as('billing-manager').void(payment)).status).toBe(200);
    expect(await till.stateOf(invoice)).toBe('issued pending 500');
  });
});

describe('a refund above the limit of two persons (49)', () => {
  beforeEach(async () => {
    await setting('payments.dual-approval', 80);
  });
  afterAll(() => setting('payments.dual-approval', null));

  const ask = async (role: string, amount: number): Promise<Stored<PaymentReconciliation>> => {
    const { status, json } = await as(role).refund(amount, referenceTo(payment), { details: forInvoice(amount) });
    expect(status).toBe(201);
    return json;
  };

  test('waits, posting nothing, until another person completes it', async () => {
    const asked = await ask('billing-manager', 90);
    expect(asked.outcome).toBe('queued');
    expect(await till.stateOf(invoice)).toBe('issued partial 200');
    expectRefusal(await as('billing-manager').put({ ...asked, outcome: 'complete' }), 403);
    expectRefusal(await as('billing-staff').put({ ...asked, outcome: 'complete' }), 403);
    const done = await till.put({ ...asked, outcome: 'complete' });
    expect([done.status, done.json.outcome]).toEqual([200, 'complete']);
    expect(await till.stateOf(invoice)).toBe('issued partial 290');
    expect(netAmountOf(await till.read(referenceTo(payment)))).toBe(210);
  });

  test('cannot be asked for as queued to be completed by the same person', async () => {
    const { json } = await as('system').refund(90, referenceTo(payment), {
      ...{ outcome: 'queued', details: forInvoice(90) },
    });
    expectRefusal(await as('system').put({ ...json, outcome: 'complete' }), 403);
    expect((await as('billing-manager').put({ ...json, outcome: 'complete' })).status).toBe(200);
  });

  test('of two that wait for the same money one is completed', async () => {
    const asked = [await ask('system', 200), await ask('system', 200)];
    const answers = await Promise.all(asked.map((one) => till.put({ ...one, outcome: 'complete' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await till.stateOf(invoice)).toBe('issued partial 400');
  });

  test('up to the limit is posted at once', async () => {
    expect((await ask('billing-manager', 80)).outcome).toBe('complete');
  });

  test('is one in several parts as well: what goes beyond it waits', async () => {
    expect((await ask('system', 50)).outcome).toBe('complete');
    const second = await ask('system', 50);
    expect(second.outcome).toBe('queued');
    expect((await ask('system', 30)).outcome).toBe('complete');
    expectRefusal(await as('system').put({ ...second, outcome: 'complete' }), 403);
    expect((await as('billing-manager').put({ ...second, outcome: 'complete' })).status).toBe(200);
  });

  test('is one in several parts that each were asked for as queued', async () => {
    const queue = () => as('system').refund(50, referenceTo(payment), { outcome: 'queued', details: forInvoice(50) });
    const [first, second] = [(await queue()).json, (await queue()).json];
    expect((await as('system').put({ ...first, outcome: 'complete' })).status).toBe(200);
    expectRefusal(await as('system').put({ ...second, outcome: 'complete' }), 403);
  });

  test('is one in several parts of one transaction', async () => {
    const parts = { type: 'refund', method: '', refunds: referenceTo(payment), details: forInvoice(50) };
    const entry = () => ({
      request: { method: 'POST' as const, url: 'PaymentReconciliation' },
      resource: buildPayment(50, parts),
    });
    const { status } = await as('system').transaction(entry(), entry());
    expect(status).toBe(200);
    const refunds = await till.search<PaymentReconciliation>(`PaymentReconciliation?refunds=${referenceTo(payment)}`);
    expect(refunds.map(({ outcome }) => outcome).sort()).toEqual(['complete', 'queued']);
    expect(await till.stateOf(invoice)).toBe('issued partial 250');
  });

  test('is one in several parts of a credit note', async () => {
    const paid = await till.invoice(patient, 200);
    await till.paid(200, { details: [[referenceTo(paid), 200]] });
    const note = await till.invoice(patient, -150, {
      type: { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/invoice-type', code: 'credit-note' }] },
      extension: [{ url: urls.corrects, valueReference: { reference: referenceTo(paid) } }],
    });
    const back = async () => (await till.refund(50, referenceTo(note), { method: 'CASH' })).json.outcome;
    expect([await back(), await back(), await back()]).toEqual(['complete', 'queued', 'queued']);
  });
});

test('another tenant has neither the payment nor its refund', async () => {
  const other = new Till(server.b);
  const cancel = [{ op: 'replace', path: '/status', value: 'cancelled' }];
  const headers = { 'Content-Type': 'application/json-patch+json' };
  expectRefusal(await server.b.request('PATCH', `/${referenceTo(payment)}`, cancel, headers), 404);
  expectRefusal(await other.refund(1, referenceTo(payment), { method: 'CASH' }), 422);
  expectRefusal(await server.b.request('GET', `/${referenceTo(payment)}`), 404);
  expect(await till.stateOf(invoice)).toBe('issued partial 200');
});
