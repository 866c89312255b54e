// `npm run ledger:verify` beside a running server, on a day of invoices, payments, refunds and a settlement (domain.md 3.5; security.md 123)

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withClient } from '../../support/database.ts';
import { type Ended, runCommand } from '../../support/run-command.ts';
import { startTestServer, type TestServer } from '../../support/server.ts';
import { today } from './ledger-world.ts';

const canonical = 'https://hpms.example/fhir';
const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation';
const usd = (value: number) => ({ value, currency: 'USD' });

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await post('PUT', '/Patient/p', { resourceType: 'Patient', id: 'p' });
});
afterAll(() => server.close());

async function post(method: string, place: string, body: object): Promise<{ readonly id: string }> {
  const { status, json, text } = await server.a.request(method, place, body);
  if (status >= 300) throw new Error(text);
  return json;
}

const invoice = (net: number, tax: number) =>
  post('POST', '/Invoice', {
    resourceType: 'Invoice',
    status: 'issued',
    subject: { reference: 'Patient/p' },
    lineItem: [
      {
        sequence: 1,
        chargeItemCodeableConcept: { text: 'Visit' },
        priceComponent: [
          { type: 'base', amount: usd(net) },
          { type: 'tax', code: { text: 'VAT' }, amount: usd(tax) },
        ],
      },
    ],
  });

/** Cash of the patient, for an Invoice or in advance. */
const payment = (type: object, value: number, more: { extension?: object[]; detail?: object[] } = {}) =>
  post('POST', '/PaymentReconciliation', {
    ...{ resourceType: 'PaymentReconciliation', status: 'active', outcome: 'complete', created: `${today}T00:00:00Z` },
    ...{ paymentDate: today, paymentAmount: usd(value) },
    extension: [
      { url: `${r5}.type`, valueCodeableConcept: { coding: [type] } },
      {
        url: `${r5}.method`,
        valueCodeableConcept: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0570', code: 'CASH' }] },
      },
      { url: `${r5}.paymentIssuer`, valueReference: { reference: 'Patient/p' } },
      ...(more.extension ?? []),
    ],
    ...(more.detail && { detail: more.detail }),
  });

const paid = { system: 'http://terminology.hl7.org/CodeSystem/payment-type', code: 'payment' };
const refund = { system: `${canonical}/CodeSystem/payment-type`, code: 'refund' };
const forInvoice = (id: string, value: number) => ({
  detail: [{ type: { coding: [paid] }, request: { reference: `Invoice/${id}` }, amount: usd(value) }],
});

function verify(...args: readonly string[]): Promise<Ended> {
  return runCommand('ledger-verify', args, server.database.url);
}

test('a day of the clinic is as posted; its last transaction is an anchor for later runs', async () => {
  await payment(paid, 30);
  const { id } = await invoice(100, 20);
  const { id: paymentId } = await payment(paid, 95, forInvoice(id, 90));
  const refunds = {
    url: `${canonical}/StructureDefinition/refunds`,
    valueReference: { reference: `PaymentReconciliation/${paymentId}` },
  };
  await payment(refund, 40, { extension: [refunds], ...forInvoice(id, 40) });
  const second = await invoice(50, 0);
  const voided = await payment(paid, 50, forInvoice(second.id, 50));
  await post('PUT', `/PaymentReconciliation/${voided.id}`, { ...voided, status: 'cancelled' });
  await post('POST', '/PaymentReconciliation/$settle-day', {
    resourceType: 'Parameters',
    parameter: [
      { name: 'date', valueDate: today },
      {
        name: 'counted',
        part: [
          { name: 'method', valueCode: 'CASH' },
          { name: 'amount', valueMoney: usd(84) },
        ],
      },
    ],
  });
  const { code, stdout, stderr } = await verify('--tenant', 'clinic-a');
  expect([stderr, code]).toEqual(['', 0]);
  const [, anchor = ''] = /as posted {2}.*last (\d+:[0-9a-f]{64})/.exec(stdout) ?? [];
  expect((await verify('--tenant', 'clinic-a', '--anchor', anchor)).code).toBe(0);
  const longer = anchor.replace(/^\d+/, (seq) => String(Number(seq) + 1));
  expect((await verify('--tenant', 'clinic-a', '--anchor', longer)).stdout).toContain('missing');
});

test('all tenants are verified, one line each, and the first difference of a changed one is named with exit code 1', async () => {
  await withClient(server.database.url, async (client) => {
    await client.query('SET session_replication_role = replica');
    await client.query('UPDATE store.ledger_entry SET amount_minor = amount_minor + 1 WHERE seq = 2');
  });
  const { code, stdout } = await verify();
  expect(code).toBe(1);
  expect(stdout).toMatch(/^clinic-a {2}I16: Transaction 2 \(Basic\/\S+\) is not as it was posted\.$/m);
  expect(stdout).toMatch(/^clinic-b {2}as posted {2}0 transactions, 0 entries$/m);
});

test.each([
  [['--tenant', 'nobody'], 'There is no tenant nobody.'],
  [['--anchor', '1:x'], 'Use: npm run ledger:verify'],
  [['--what'], 'Use: npm run ledger:verify'],
])('%j cannot be done: exit code 2 and a sentence', async (args, sentence) => {
  const { code, stderr } = await verify(...args);
  expect([code, stderr.startsWith(sentence)]).toEqual([2, true]);
});
