// Money that goes back: of Invoices, of unused credit, of credit notes; never more than there is (contract.md 29, 36, 49; domain.md S5-43).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import {
  buildInvoice,
  buildPayment,
  netAmountOf,
  referenceTo,
  type Stored,
  Till,
  urls,
  usd,
} from '../clinic/payments/till.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';

let server: TestServer;
let till: Till;
let patient: string;
let invoice: Stored<Invoice>;
let payment: Stored<PaymentReconciliation>;

beforeAll(async () => {
  server = await startTestServer({ does: { api: true, jobs: false } });
  till = new Till(server.a);
});
afterAll(() => {
  expectNoFailure(server.logLines);
  return server.close();
});
/** 150 for an Invoice of 120: 30 are credit. */
beforeEach(async () => {
  patient = await till.patient();
  invoice = await till.invoice(patient, 120);
  payment = await till.paid(150, { details: forInvoice(120) });
});

const forInvoice = (amount: number) => [[referenceTo(invoice), amount]] as const;
const refund = (amount: number, ofInvoice?: number, parts = {}) =>
  till.refund(amount, referenceTo(payment), {
    ...(ofInvoice !== undefined && { details: forInvoice(ofInvoice) }),
    ...parts,
  });
const netOfPayment = async () => netAmountOf(await till.read<PaymentReconciliation>(referenceTo(payment)));

describe('a refund', () => {
  test('of a part of an Invoice reopens it by that and says what is left of the payment', async () => {
    const { status, json } = await refund(20, 20);
    expect(status).toBe(201);
    expect(await till.stateOf(invoice)).toBe('issued partial 20');
    expect(await netOfPayment()).toBe(130);
    expect(await till.journalsOf(referenceTo(json))).toEqual([
      `REFUND, 1010 -20, 1200/${patient} 20, 2400 -20, 4000 20`,
    ]);
  });

  test('of the whole leaves the Invoice as it was issued', async () => {
    expect((await refund(120, 120)).status).toBe(201);
    expect(await till.stateOf(invoice)).toBe('issued pending 120');
    await till.paid(120, { details: forInvoice(120) });
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
  });

  test('without an Invoice is of unused credit, and of no more', async () => {
    expectRefusal(await refund(31), 409);
    const { json } = await refund(30);
    expect(await till.journalsOf(referenceTo(json))).toEqual([`REFUND, 1010 -30, 2100/${patient} 30`]);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expectRefusal(await refund(0.01), 409);
    expect(await netOfPayment()).toBe(120);
  });

  test('may be of both at once', async () => {
    const { json } = await refund(50, 40);
    expect(await till.journalsOf(referenceTo(json))).toEqual([
      `REFUND, 1010 -50, 1200/${patient} 40, 2100/${patient} 10, 2400 -40, 4000 40`,
    ]);
  });

  test('goes back the way the money came, unless there is a reason', async () => {
    const byCard = await till.paid(10, { method: 'CCCA', issuer: patient });
    const back = await till.refund(4, referenceTo(byCard));
    expect(back.json.extension).toContainEqual(byCard.extension?.find(({ url }) => url === urls.method));
    expect((await till.journalsOf(referenceTo(back.json)))[0]).toContain('1020 -4');
    expectRefusal(await till.refund(4, referenceTo(byCard), { method: 'CASH' }), 422);
    const reasoned = buildPayment(4, { type: 'refund', refunds: referenceTo(byCard) });
    const posted = await till.post({ ...reasoned, disposition: 'The card was closed.' });
    expect(posted.status).toBe(201);
    expect((await till.journalsOf(referenceTo(posted.json)))[0]).toContain('1010 -4');
  });
});

describe('the refunds of a payment are never more than it (security.md 118)', () => {
  test('in one, in several, and of an Invoice that it did not pay so much of', async () => {
    expectRefusal(await refund(151, 120), [409, 422]);
    expectRefusal(await refund(121, 121), 409);
    expect((await refund(100, 100)).status).toBe(201);
    expectRefusal(await refund(21, 21), 409);
    expect((await refund(20, 20)).status).toBe(201);
    expectRefusal(await refund(1, 1), 409);
  });

  test('nor of an Invoice that another payment has paid', async () => {
    const other = await till.invoice(await till.patient(), 40);
    await till.paid(40, { details: [[referenceTo(other), 40]] });
    expectRefusal(await till.refund(10, referenceTo(payment), { details: [[referenceTo(other), 10]] }), 409);
    expect(await till.stateOf(other)).toBe('balanced paid 0');
  });
});

describe('refused is the refund of', () => {
  test('no payment, a refund, a settlement’s kind of money, another tenant’s payment', async () => {
    expectRefusal(await till.refund(1, 'PaymentReconciliation/none'), 422);
    const back = (await refund(10, 10)).json;
    expectRefusal(await till.refund(5, referenceTo(back)), 422);
    expectRefusal(await till.refund(5, referenceTo(invoice)), 422);
    const other = new Till(server.b);
    expectRefusal(await other.refund(1, referenceTo(payment), { method: 'CASH' }), 422);
  });

  test('a day before that of the payment: 422; the same day is one', async () => {
    payment = await till.paid(50, { issuer: patient, date: '2026-02-02' });
    const refused = await refund(10, undefined, { date: '2026-02-01' });
    expectRefusal(refused, 422);
    expect(refused.json.issue[0].diagnostics).toContain('2026-02-02');
    expectRefusal(await refund(10, undefined, { date: '2026-02-01', outcome: 'queued' }), 422);
    expect((await refund(10, undefined, { date: '2026-02-02' })).status).toBe(201);
  });

  test('a payment that is queued or void', async () => {
    const queued = await till.paid(10, { issuer: patient, outcome: 'queued' });
    expectRefusal(await till.refund(5, referenceTo(queued)), 409);
    await till.void(payment);
    expectRefusal(await refund(5), 409);
  });

  test('another currency, and parts for anything but Invoices', async () => {
    const euro = { value: 1, currency: 'EUR' as const };
    const back = buildPayment(1, { type: 'refund', refunds: referenceTo(payment) });
    expectRefusal(await till.post({ ...back, paymentAmount: euro }), 422);
    expectRefusal(await till.refund(1, referenceTo(payment), { details: [['Patient/1', 1]] }), 422);
  });
});

describe('a void of a refund (36)', () => {
  test('settles the Invoice again and gives the payment back what it was', async () => {
    const back = (await refund(50, 40)).json;
    expect((await till.void(back)).status).toBe(200);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expect(await netOfPayment()).toBe(150);
    expect((await refund(150, 120)).status).toBe(201);
  });

  test('is 409 where other money has settled the Invoice since', async () => {
    const back = (await refund(40, 40)).json;
    await till.paid(40, { details: forInvoice(40) });
    expectRefusal(await till.void(back), 409);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
  });
});

describe('the credit of a credit note (29)', () => {
  const correct = async (amount: number): Promise<Stored<Invoice>> => {
    const coding = [{ system: 'https://hpms.example/fhir/CodeSystem/invoice-type', code: 'credit-note' }];
    return await till.created(
      buildInvoice(patient, -amount, {
        type: { coding },
        extension: [{ url: urls.corrects, valueReference: { reference: referenceTo(invoice) } }],
      }),
    );
  };

  test('is refunded by naming the note, and reopens nothing', async () => {
    const note = await correct(20);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expectRefusal(await till.refund(20, referenceTo(note)), 422);
    expectRefusal(await till.refund(21, referenceTo(note), { method: 'CASH' }), 409);
    const back = await till.refund(15, referenceTo(note), { method: 'CASH' });
    expect(await till.journalsOf(referenceTo(back.json))).toEqual([`REFUND, 1010 -15, 2100/${patient} 15`]);
    expectRefusal(await till.refund(6, referenceTo(note), { method: 'CASH' }), 409);
    expect((await till.refund(5, referenceTo(note), { method: 'CASH' })).status).toBe(201);
    expect(await till.stateOf(invoice)).toBe('balanced paid 0');
    expect((await till.search(`PaymentReconciliation?refunds=${referenceTo(note)}`)).length).toBe(2);
  });

  test('names no other Invoice, and what is left of it is not the payment’s', async () => {
    const note = await correct(20);
    expectRefusal(await till.refund(20, referenceTo(note), { method: 'CASH', details: forInvoice(20) }), 422);
    expectRefusal(await refund(50), 409);
    expect((await refund(30)).status).toBe(201);
    const back = (await till.refund(20, referenceTo(note), { method: 'CASH' })).json;
    expect((await till.void(back)).status).toBe(200);
    expect((await till.refund(20, referenceTo(note), { method: 'CASH' })).status).toBe(201);
  });
});

test('an Invoice of tax is refunded in proportion, and the last refund takes what is left', async () => {
  const components = [
    { type: 'base' as const, amount: usd(100) },
    { type: 'tax' as const, code: { text: 'VAT' }, factor: 0.0775, amount: usd(7.75) },
  ];
  const lineItem = [{ sequence: 1, chargeItemCodeableConcept: { text: 'Visit' }, priceComponent: components }];
  const taxed = await till.created(buildInvoice(await till.patient(), 0, { lineItem }));
  const paid = await till.paid(107.75, { details: [[referenceTo(taxed), 107.75]] });
  for (const amount of [33.33, 33.33, 41.09]) {
    const back = await till.refund(amount, referenceTo(paid), { details: [[referenceTo(taxed), amount]] });
    expect(back.status).toBe(201);
  }
  expect(await till.stateOf(taxed)).toBe('issued pending 107.75');
  const revenue = await till.search<PaymentReconciliation>(`PaymentReconciliation?refunds=${referenceTo(paid)}`);
  const texts = await Promise.all(revenue.map((one) => till.journalsOf(referenceTo(one))));
  const moved = texts.flat().map((text) => Number(/4000 ([\d.]+)/.exec(text)?.[1]));
  expect(moved.reduce((sum, one) => sum + one, 0)).toBeCloseTo(100, 10);
});
