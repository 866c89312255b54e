// Receipts are made by the server, one per Invoice that a payment settles, with numbers without gaps (contract.md 35, 39, 45).

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PaymentNotice } from '@medplum/fhirtypes';
import { buildPayment, referenceTo, type Stored, Till, usd } from '../clinic/payments/till.ts';
import { startTestServer, type TestResponse, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let till: Till;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});

const numberOf = ({ identifier = [] }: PaymentNotice) =>
  identifier.find(({ system }) => system === 'https://hpms.example/fhir/sid/receipt')?.value;
const year = new Date().getUTCFullYear();

describe('a receipt', () => {
  test('says what was paid of which Invoice by which payment, under its number', async () => {
    const invoice = await till.invoice(await till.patient(), 120);
    const payment = await till.paid(130, { details: [[referenceTo(invoice), 100]] });
    const [receipt, ...more] = await till.receiptsOf(invoice);
    expect(more).toEqual([]);
    expect(receipt).toMatchObject({
      status: 'active',
      request: { reference: referenceTo(invoice) },
      payment: { reference: referenceTo(payment) },
      amount: usd(100),
      paymentDate: payment.paymentDate,
      identifier: [
        { system: 'https://hpms.example/fhir/sid/receipt', value: expect.stringMatching(/^RCT-\d{4}-\d{5}$/) },
      ],
    });
  });

  test('numbers have no gap: a refused payment takes none, and each tenant counts for itself (45)', async () => {
    const other = new Till(server.b);
    const patient = await other.patient();
    for (const amount of [10, 20, 30]) {
      const invoice = await other.invoice(patient, amount);
      expectRefusal(await other.post(buildPayment(1, { details: [[referenceTo(invoice), 2]] })), 422);
      expectRefusal(
        await other.post(
          buildPayment(5, {
            details: [
              [referenceTo(invoice), 1],
              ['Invoice/none', 1],
            ],
          }),
        ),
        422,
      );
      await other.paid(amount, { details: [[referenceTo(invoice), amount]] });
    }
    const receipts = await other.search<PaymentNotice>('PaymentNotice?_count=100');
    expect(receipts.map(numberOf).sort()).toEqual([`RCT-${year}-00001`, `RCT-${year}-00002`, `RCT-${year}-00003`]);
  });

  test('is not made for credit, for refunds, nor before the money is there', async () => {
    const patient = await till.patient();
    const invoice = await till.invoice(patient, 50);
    await till.paid(50, { outcome: 'queued', details: [[referenceTo(invoice), 50]] });
    expect(await till.receiptsOf(invoice)).toEqual([]);
    const payment = await till.paid(60, { details: [[referenceTo(invoice), 50]] });
    await till.refund(60, referenceTo(payment), { details: [[referenceTo(invoice), 50]] });
    expect(await till.receiptsOf(invoice)).toHaveLength(1);
  });
});

describe('a client', () => {
  const notice = (): PaymentNotice => ({
    resourceType: 'PaymentNotice',
    status: 'active',
    created: '2026-11-20T10:00:00Z',
    payment: { reference: 'PaymentReconciliation/1' },
    recipient: { display: 'Clinic' },
    amount: usd(1),
  });
  const patchBody = [{ op: 'replace', path: '/status', value: 'cancelled' }];

  async function made(): Promise<Stored<PaymentNotice>> {
    const invoice = await till.invoice(await till.patient(), 9);
    await till.paid(9, { details: [[referenceTo(invoice), 9]] });
    return (await till.receiptsOf(invoice))[0]!;
  }

  function expectClosed(answer: TestResponse): void {
    expectRefusal(answer, 405);
    expect(answer.json.issue[0].diagnostics).toContain('PaymentReconciliation');
  }

  test('does not write receipts: POST, PUT, PATCH, DELETE are 405 and name the PaymentReconciliation', async () => {
    const receipt = await made();
    const path = `/${referenceTo(receipt)}`;
    expectClosed(await server.a.request('POST', '/PaymentNotice', notice()));
    expectClosed(await server.a.request('PUT', path, { ...receipt, amount: usd(1000) }));
    expectClosed(await server.a.request('PUT', '/PaymentNotice/mine', { ...notice(), id: 'mine' }));
    expectClosed(await server.a.request('PATCH', path, patchBody, { 'Content-Type': 'application/json-patch+json' }));
    expectClosed(await server.a.request('DELETE', path));
    expect(await till.read(referenceTo(receipt))).toEqual(receipt);
  });

  test('nor in bundles, by criteria or by operations', async () => {
    const receipt = await made();
    const url = referenceTo(receipt);
    expectClosed(await till.transaction({ resource: notice(), request: { method: 'POST', url: 'PaymentNotice' } }));
    expectClosed(await till.transaction({ resource: receipt, request: { method: 'PUT', url } }));
    expectClosed(await till.transaction({ request: { method: 'DELETE', url } }));
    const batch = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'DELETE', url } }] };
    const { json } = await server.a.request('POST', '', batch);
    expect(json.entry[0].response).toMatchObject({ status: expect.stringMatching(/^405/) });
    expectClosed(await server.a.request('DELETE', `/PaymentNotice?request=${receipt.request?.reference}`));
    const meta = { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 'x' }] } }] };
    expectClosed(await server.a.request('POST', `/${url}/$meta-add`, meta));
    expect(await till.read(url)).toEqual(receipt);
  });
});
