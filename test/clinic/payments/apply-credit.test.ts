// Unused payments settle what is issued, oldest first: contract.md 35, domain.md 3.3.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Basic, Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import { MoneyClinic } from './clinic.ts';
import { buildInvoice, buildPayment, detailsOf, referenceTo, type Stored, urls } from './till.ts';

let clinic: MoneyClinic;
beforeAll(async () => {
  clinic = await MoneyClinic.open();
});
afterAll(() => clinic.close());
beforeEach(() => clinic.begin());

const patient = 'Patient/p';
const deposit = (amount: number, parts = {}) => clinic.create(buildPayment(amount, { issuer: patient, ...parts }));
const issue = (amount: number) => clinic.create(buildInvoice(patient, amount));
const detailsNow = async (payment: Stored<PaymentReconciliation>) => detailsOf(await clinic.read(payment));

async function stateOf(invoice: Stored<Invoice>): Promise<string> {
  const { status, extension = [] } = await clinic.read(invoice);
  const money = (url: string) => extension.find((one) => one.url === url);
  return `${status} ${money(urls.paymentState)?.valueCode} ${money(urls.outstanding)?.valueMoney?.value}`;
}

async function typesOfJournals(): Promise<string[]> {
  const journals = await clinic.all<Basic>('Basic');
  const types = journals.map(({ extension = [] }) => extension.find(({ url }) => url === urls.ledgerType)?.valueCode);
  return types.map(String).sort();
}

describe('at issue', () => {
  test('a deposit settles the Invoice as far as it goes, by a new version of the payment, without a receipt', async () => {
    const payment = await deposit(30);
    const invoice = await issue(100);
    expect(await stateOf(invoice)).toBe('issued partial 70');
    const now = await clinic.read(payment);
    expect([now.meta?.versionId, detailsOf(now)]).toEqual(['2', [`${referenceTo(invoice)} 30`]]);
    expect(await clinic.all('PaymentNotice')).toEqual([]);
    expect(await typesOfJournals()).toEqual(['APPLY_CREDIT', 'CHARGE', 'DEPOSIT']);
  });

  test('the oldest comes first, by its business date', async () => {
    const younger = await deposit(50, { date: '2026-03-01' });
    const older = await deposit(50, { date: '2026-02-01' });
    const invoice = await issue(70);
    expect(await stateOf(invoice)).toBe('balanced paid 0');
    expect(await detailsNow(older)).toEqual([`${referenceTo(invoice)} 50`]);
    expect(await detailsNow(younger)).toEqual([`${referenceTo(invoice)} 20`]);
    const second = await issue(10);
    expect(await detailsNow(younger)).toEqual([`${referenceTo(invoice)} 20`, `${referenceTo(second)} 10`]);
  });

  test('a part that names the Appointment is replaced, the rest of it stays', async () => {
    const payment = await deposit(50, { type: 'copay', details: [['Appointment/a', 40]] });
    const invoice = await issue(15);
    expect(await detailsNow(payment)).toEqual(['Appointment/a 25', `${referenceTo(invoice)} 15`]);
    const second = await issue(30);
    expect(await detailsNow(payment)).toEqual([`${referenceTo(invoice)} 15`, `${referenceTo(second)} 30`]);
    expect(await stateOf(second)).toBe('balanced paid 0');
  });

  test('what was overpaid is used, what is queued, void or of others is not', async () => {
    const first = await issue(10);
    const overpaid = await clinic.create(buildPayment(25, { details: [[referenceTo(first), 10]] }));
    await deposit(100, { outcome: 'queued' });
    const voided = await deposit(100);
    await clinic.put({ ...voided, status: 'cancelled' });
    await clinic.create(buildPayment(100, { issuer: 'Patient/other' }));
    const invoice = await issue(40);
    expect(await stateOf(invoice)).toBe('issued partial 25');
    expect(await detailsNow(overpaid)).toEqual([`${referenceTo(first)} 10`, `${referenceTo(invoice)} 15`]);
  });

  test('the credit of a credit note is not used: it waits for its refund (29)', async () => {
    const paid = await issue(50);
    await clinic.create(buildPayment(50, { details: [[referenceTo(paid), 50]] }));
    const coding = [{ system: 'https://hpms.example/fhir/CodeSystem/invoice-type', code: 'credit-note' }];
    const extension = [{ url: urls.corrects, valueReference: { reference: referenceTo(paid) } }];
    await clinic.create(buildInvoice(patient, -20, { type: { coding }, extension }));
    expect(await stateOf(await issue(30))).toBe('issued pending 30');
  });

  test('several Invoices of one transaction share what there is', async () => {
    const payment = await deposit(50);
    const invoices = await clinic.write<Invoice>(
      { action: 'create', resource: buildInvoice(patient, 30) },
      { action: 'create', resource: buildInvoice(patient, 30) },
    );
    const states = await Promise.all(invoices.map(stateOf));
    expect(states.sort()).toEqual(['balanced paid 0', 'issued partial 10']);
    expect((await clinic.read(payment)).meta?.versionId).toBe('2');
  });
});

describe('what was applied', () => {
  test('is refunded by naming the Invoice, and no more of it is credit', async () => {
    const payment = await deposit(50);
    const invoice = await issue(30);
    const refunds = referenceTo(payment);
    const refund = (amount: number, details: readonly [string, number][]) =>
      clinic.create(buildPayment(amount, { type: 'refund', method: '', refunds, details }));
    await expect(refund(21, [])).rejects.toMatchObject({ status: 409 });
    await refund(20, []);
    await refund(10, [[referenceTo(invoice), 10]]);
    expect(await stateOf(invoice)).toBe('issued partial 10');
  });

  test('is taken back with the payment: the Invoice is open again', async () => {
    const payment = await deposit(50);
    const invoice = await issue(30);
    await clinic.put({ ...payment, status: 'cancelled' });
    expect(await stateOf(invoice)).toBe('issued pending 30');
    expect(await typesOfJournals()).toEqual(['APPLY_CREDIT', 'CHARGE', 'DEPOSIT', 'REVERSAL', 'REVERSAL']);
    expect(await stateOf(await issue(10))).toBe('issued pending 10');
  });
});
