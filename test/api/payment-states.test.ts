// How a payment goes on: void, queued, failed, told twice, never deleted (contract.md 36, 37; domain.md SM-4, S2-FR-B02).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import { buildPayment, detailsOf, referenceTo, type Stored, Till, usd } from '../clinic/payments/till.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let till: Till;
let patient: string;
let invoice: Stored<Invoice>;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});
beforeEach(async () => {
  patient = await till.patient();
  invoice = await till.invoice(patient, 120);
});

const forInvoice = (amount: number) => [[referenceTo(invoice), amount]] as const;
const jsonPatch = { 'Content-Type': 'application/json-patch+json' };
const patch = (payment: Stored<PaymentReconciliation>, ...operations: object[]) =>
  server.a.request('PATCH', `/${referenceTo(payment)}`, operations, jsonPatch);

describe('a void (36)', () => {
  test('takes back all that was posted by its exact mirror, cancels the receipt and reopens the Invoice', async () => {
    const payment = await till.paid(150, { details: forInvoice(120) });
    const { status, json } = await till.void(payment);
    expect([status, json.status]).toEqual([200, 'cancelled']);
    expect(await till.journalsOf(referenceTo(payment))).toEqual([
      `PAYMENT, 1010 150, 1200/${patient} -120, 2100/${patient} -30, 2400 120, 4000 -120`,
      `REVERSAL, 1010 -150, 1200/${patient} 120, 2100/${patient} 30, 2400 -120, 4000 120`,
    ]);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
    expect((await till.receiptsOf(invoice)).map((receipt) => receipt.status)).toEqual(['cancelled']);
  });

  test('by PATCH is the same, and again is 200 without effect', async () => {
    const payment = await till.paid(120, { details: forInvoice(120) });
    const cancel = { op: 'replace', path: '/status', value: 'cancelled' };
    expect((await patch(payment, cancel)).status).toBe(200);
    expect((await patch(payment, cancel)).status).toBe(200);
    expect((await till.void(payment)).status).toBe(200);
    expect(await till.journalsOf(referenceTo(payment))).toHaveLength(2);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
  });

  test('may say why, and does not undo what others have paid', async () => {
    const first = await till.paid(70, { details: forInvoice(70) });
    await till.paid(50, { details: forInvoice(50) });
    const { json } = await till.put({ ...first, status: 'cancelled', disposition: 'The cheque bounced.' });
    expect(json.disposition).toBe('The cheque bounced.');
    expect(await till.stateOf(invoice)).toBe('issued partial 70');
  });

  test('is 409 once it was refunded, in part or whole', async () => {
    const payment = await till.paid(120, { details: forInvoice(120) });
    await till.refund(1, referenceTo(payment), { details: forInvoice(1) });
    expectRefusal(await till.void(payment), 409);
    expect(await till.stateOf(invoice)).toBe('issued partial 1');
  });

  test('is final: active again is 422', async () => {
    const payment = await till.paid(120, { details: forInvoice(120) });
    await till.void(payment);
    expectRefusal(await till.put(payment), 422);
    expectRefusal(await patch(payment, { op: 'replace', path: '/status', value: 'active' }), 422);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
  });
});

describe('an active payment', () => {
  test('stays as it is: another amount, date, part or type is 409 or 422', async () => {
    const payment = await till.paid(120, { details: forInvoice(120) });
    for (const other of [
      { paymentAmount: usd(1) },
      { paymentDate: '2026-01-01' },
      { detail: [] },
      { extension: payment.extension!.slice(1) },
      { outcome: 'queued' as const },
      { outcome: 'error' as const },
      { status: 'draft' as const },
    ]) {
      const { detail, ...rest } = { ...payment, ...other };
      const sent = detail && detail.length > 0 ? { ...rest, detail } : rest;
      expectRefusal(await till.put(sent as typeof payment), [409, 422]);
    }
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
  });

  test('sent again as it is has no second effect', async () => {
    const payment = await till.paid(120, { details: forInvoice(120) });
    expect((await till.put(payment)).status).toBe(200);
    expect((await till.put({ ...payment, meta: { tag: [{ code: 'seen' }] } })).status).toBe(200);
    expect(await till.journalsOf(referenceTo(payment))).toHaveLength(1);
    expect(await till.receiptsOf(invoice)).toHaveLength(1);
  });

  test('is never deleted (FR-B02)', async () => {
    const payment = await till.paid(120, { details: forInvoice(120) });
    expectRefusal(await server.a.request('DELETE', `/${referenceTo(payment)}`), 405);
    const gone = await server.a.request('DELETE', `/PaymentReconciliation?allocation=${referenceTo(invoice)}`);
    expectRefusal(gone, [405, 412]);
    const request = { method: 'DELETE' as const, url: referenceTo(payment) };
    expectRefusal(await till.transaction({ request }), 405);
    expect((await till.read(referenceTo(payment))).id).toBe(payment.id);
  });
});

test('a payment that is void from the beginning is stored as sent, moves nothing and stays void', async () => {
  const old = await till.created({ ...buildPayment(120, { details: forInvoice(120) }), status: 'cancelled' });
  expect(await till.journalsOf(referenceTo(old))).toEqual([]);
  expect(await till.stateOf(invoice)).toBe('issued pending 120');
  expectRefusal(await till.put({ ...old, status: 'active' }), 422);
  expectRefusal(await till.refund(1, referenceTo(old), { method: 'CASH' }), [409, 422]);
  expectRefusal(await server.a.request('DELETE', `/${referenceTo(old)}`), 405);
});

test('a draft is no money yet, and may be deleted', async () => {
  const draft = await till.created({ ...buildPayment(120, { details: forInvoice(120) }), status: 'draft' });
  expect((await server.a.request('DELETE', `/${referenceTo(draft)}`)).status).toBe(204);
});

describe('a queued payment (37)', () => {
  test('posts nothing and leaves the Invoice as it is, until it is complete, once', async () => {
    const queued = await till.paid(150, { outcome: 'queued', method: 'CCCA', details: forInvoice(150) });
    expect(detailsOf(queued)).toEqual([`${referenceTo(invoice)} 150`]);
    expect(await till.journalsOf(referenceTo(queued))).toEqual([]);
    expect([await till.stateOf(invoice), await till.receiptsOf(invoice)]).toEqual(['issued pending 120', []]);
    const done = await till.put({ ...queued, outcome: 'complete' });
    expect(done.status).toBe(200);
    expect(detailsOf(done.json)).toEqual([`${referenceTo(invoice)} 120`]);
    expect((await till.put({ ...done.json })).status).toBe(200);
    expect(await till.journalsOf(referenceTo(queued))).toEqual([
      `PAYMENT, 1020 150, 1200/${patient} -120, 2100/${patient} -30, 2400 120, 4000 -120`,
    ]);
    expect(await till.receiptsOf(invoice)).toHaveLength(1);
  });

  test('may end in error, which is terminal', async () => {
    const queued = await till.paid(120, { outcome: 'queued', details: forInvoice(120) });
    expect((await till.put({ ...queued, outcome: 'error' })).status).toBe(200);
    expectRefusal(await till.put({ ...queued, outcome: 'complete' }), 422);
    expectRefusal(await till.put({ ...queued, outcome: 'queued' }), 422);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
  });

  test('may be cancelled, posting nothing', async () => {
    const queued = await till.paid(120, { outcome: 'queued', details: forInvoice(120) });
    expect((await till.void(queued)).status).toBe(200);
    expectRefusal(await till.put({ ...queued, outcome: 'complete' }), 422);
    expect(await till.journalsOf(referenceTo(queued))).toEqual([]);
  });

  test('takes the ids of the gateway with its outcome, and nothing else', async () => {
    const queued = await till.paid(120, { outcome: 'queued', method: 'CCCA', details: forInvoice(120) });
    const identifier = [{ system: 'urn:gateway', value: 'settled' }];
    expectRefusal(await till.put({ ...queued, outcome: 'complete', paymentAmount: usd(1) }), 422);
    const { status, json } = await till.put({ ...queued, outcome: 'complete', identifier });
    expect([status, json.identifier]).toEqual([200, identifier]);
  });
});

describe('a payment that is told twice (37)', () => {
  const gateway = (value: string) => [{ system: 'urn:gateway', value }];

  test('is 409 by its identifier, whatever became of the first', async () => {
    const identifier = gateway('tx');
    const first = await till.created({ ...buildPayment(120, { details: forInvoice(120) }), identifier });
    expectRefusal(await till.post({ ...buildPayment(120, { details: forInvoice(120) }), identifier }), 409);
    await till.void(first);
    expectRefusal(await till.post({ ...buildPayment(120, { details: forInvoice(120) }), identifier }), 409);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
  });

  test('is not told twice by another system, another tenant, or without a system', async () => {
    const identifier = gateway('other');
    await till.created({ ...buildPayment(1, { issuer: patient }), identifier });
    const elsewhere = [{ system: 'urn:gateway:2', value: identifier[0]!.value }];
    await till.created({ ...buildPayment(1, { issuer: patient }), identifier: elsewhere });
    for (let times = 0; times < 2; times++) {
      await till.created({ ...buildPayment(1, { issuer: patient }), identifier: [{ value: 'local' }] });
    }
    const other = new Till(server.b);
    await other.created({ ...buildPayment(1, { issuer: await other.patient() }), identifier });
  });

  test('by an identifier that its completion brings is 409 and leaves it queued', async () => {
    const identifier = gateway('late');
    await till.created({ ...buildPayment(1, { issuer: patient }), identifier });
    const queued = await till.paid(120, { outcome: 'queued', details: forInvoice(120) });
    expectRefusal(await till.put({ ...queued, outcome: 'complete', identifier }), 409);
    expect((await till.read<PaymentReconciliation>(referenceTo(queued))).outcome).toBe('queued');
  });

  test('by a conditional create finds the first', async () => {
    const identifier = gateway('once');
    const payment = { ...buildPayment(120, { details: forInvoice(120) }), identifier };
    const once = { 'If-None-Exist': 'identifier=urn:gateway|once' };
    const first = await till.post(payment, once);
    const second = await till.post(payment, once);
    expect([first.status, second.status, second.json?.id]).toEqual([201, 200, first.json.id]);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
  });
});

describe('Idempotency-Key (8, security.md 113, 114)', () => {
  test('takes money once: the same answer again, another body is 422', async () => {
    const key = { 'Idempotency-Key': `pay ${invoice.id}` };
    const payment = buildPayment(50, { details: forInvoice(50) });
    const first = await till.post(payment, key);
    const again = await till.post(payment, key);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(await till.stateOf(invoice)).toBe('issued partial 70');
    expectRefusal(await till.post(buildPayment(51, { details: forInvoice(51) }), key), 422);
    expect((await till.post(payment, { 'Idempotency-Key': `other ${invoice.id}` })).status).toBe(201);
    expect(await till.stateOf(invoice)).toBe('issued partial 20');
  });

  test('of 20 at once one takes the money, the others wait for it, get its answer or 409', async () => {
    const key = { 'Idempotency-Key': `race ${invoice.id}` };
    const payment = buildPayment(120, { details: forInvoice(120) });
    const answers = await Promise.all(Array.from({ length: 20 }, () => till.post(payment, key)));
    const created = answers.filter(({ status }) => status === 201);
    expect(new Set(created.map(({ text }) => text)).size).toBe(1);
    for (const answer of answers) if (answer.status !== 201) expectRefusal(answer, 409);
    expect(await till.search(`PaymentReconciliation?patient=${patient}`)).toHaveLength(1);
  });
});
