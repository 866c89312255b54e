// What a payment must say of its money: contract.md 31 to 36, security.md 111.

import { describe, expect, test } from '@jest/globals';
import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { readPayment } from '../../../src/clinic/payments/read-payment.ts';
import { buildPayment, type PaymentParts, urls } from './till.ts';

const read = (payment: PaymentReconciliation, texts: Record<string, string> = {}) =>
  readPayment(payment, new Map(Object.entries(texts)));

function refusal(element: string) {
  const issues = [expect.objectContaining({ expression: [`PaymentReconciliation.${element}`] })];
  return expect.objectContaining({ status: 422, issues });
}

const money = (url: string, value: number, currency: 'USD' | 'EUR' = 'USD') => ({
  url,
  valueMoney: { value, currency },
});

describe('a payment is read', () => {
  test('with its kind, method, payer, drawer, day and parts', () => {
    const parts: PaymentParts = {
      ...{ type: 'copay', method: 'UPI', issuer: 'Patient/1', drawer: 'Location/2', date: '2026-11-20' },
      details: [
        ['Invoice/3/_history/2', 70.1],
        ['Appointment/4', 20],
        [undefined, 9],
      ],
    };
    expect(read(buildPayment(100, parts))).toEqual({
      ...{ kind: 'copay', phase: 'posted', amountMinor: 10_000n, currency: 'USD', method: 'UPI', drawer: '2' },
      issuer: { type: 'Patient', id: '1', reference: 'Patient/1' },
      ...{ day: '2026-11-20', refunds: undefined },
      allocations: [
        { index: 0, target: { type: 'Invoice', id: '3', reference: 'Invoice/3' }, amountMinor: 7_010n },
        { index: 1, target: { type: 'Appointment', id: '4', reference: 'Appointment/4' }, amountMinor: 2_000n },
        { index: 2, target: undefined, amountMinor: 900n },
      ],
    });
  });

  test.each(['payment', 'advance', 'adjustment', 'copay', 'refund'])('as %s (32)', (type) => {
    expect(read(buildPayment(1, { type, ...(type === 'refund' && { refunds: 'Invoice/1' }) }))).toMatchObject({
      kind: type,
    });
  });

  test.each(['CASH', 'CCCA', 'DEBC', 'UPI', 'wallet', 'DDPO', 'CHCK'])('by %s (32)', (method) => {
    expect(read(buildPayment(1, { method }))).toMatchObject({ method });
  });

  test('from the texts of its numbers, not from what JavaScript makes of them', () => {
    const payment = buildPayment(1, { details: [['Invoice/1', 1]] });
    expect(read(payment, { '/paymentAmount/value': '1.00', '/detail/0/amount/value': '1.0' })).toMatchObject({
      amountMinor: 100n,
      allocations: [{ amountMinor: 100n }],
    });
    expect(() => read(payment, { '/paymentAmount/value': '1.0000000000000000001' })).toThrow(refusal('paymentAmount'));
    expect(() => read(payment, { '/detail/0/amount/value': '1.001' })).toThrow(refusal('detail[0].amount'));
  });

  test('the drawer main-drawer is that of payments that name none (44)', () => {
    expect(read(buildPayment(1, { drawer: 'Location/main-drawer' })).drawer).toBeUndefined();
  });

  test('money of a currency with other decimals has as many as that currency', () => {
    const yen = { ...buildPayment(1), paymentAmount: { value: 120, currency: 'JPY' as const } };
    expect(read(yen).amountMinor).toBe(120n);
    const dinar = { ...buildPayment(1), paymentAmount: { value: 1.125, currency: 'KWD' as const } };
    expect(read(dinar).amountMinor).toBe(1_125n);
    const half = { ...buildPayment(1), paymentAmount: { value: 0.5, currency: 'JPY' as const } };
    expect(() => read(half)).toThrow(refusal('paymentAmount'));
  });
});

describe('refused with 422 is', () => {
  test.each([0, -1, -0.01, 0.001, 1e-9, 1e30, 1e16])('an amount of %d (32, security.md 111)', (value) => {
    expect(() => read(buildPayment(value))).toThrow(refusal('paymentAmount'));
    expect(() => read(buildPayment(1, { details: [['Invoice/1', value]] }))).toThrow(refusal('detail[0].amount'));
  });

  test('an amount without value or currency, and in what is no money', () => {
    expect(() => read({ ...buildPayment(1), paymentAmount: { value: 1 } })).toThrow(refusal('paymentAmount'));
    expect(() => read({ ...buildPayment(1), paymentAmount: { currency: 'USD' } })).toThrow(refusal('paymentAmount'));
    expect(() => read({ ...buildPayment(1), paymentAmount: { value: 1, currency: 'XAU' as 'USD' } })).toThrow(
      refusal('paymentAmount'),
    );
  });

  test('another type, no method, a method without account (32)', () => {
    expect(() => read(buildPayment(1, { type: 'deductible' }))).toThrow(refusal('extension'));
    expect(() => read(buildPayment(1, { type: 'settlement' }))).toThrow(refusal('extension'));
    expect(() => read(buildPayment(1, { method: '' }))).toThrow(refusal('extension'));
    expect(() => read(buildPayment(1, { method: 'voucher' }))).toThrow(refusal('extension'));
    const coding = [{ system: 'urn:other', code: 'CASH' }];
    const foreign = { url: urls.method, valueCodeableConcept: { coding } };
    expect(() => read(buildPayment(1, { method: '', extensions: [foreign] }))).toThrow(refusal('extension'));
  });

  test('an extension that is there twice, of which one could be read for the other', () => {
    const second = { url: urls.issuer, valueReference: { reference: 'Patient/2' } };
    expect(() => read(buildPayment(1, { issuer: 'Patient/1', extensions: [second] }))).toThrow(refusal('extension'));
  });

  test.each([
    ['less', [money(urls.tendered, 100), money(urls.returned, 20)]],
    ['nothing', [money(urls.returned, 0)]],
    ['more', [money(urls.tendered, 100)]],
  ])('money handed over less the change that is %s than the amount (31)', (_, extensions) => {
    expect(() => read(buildPayment(90, { extensions }))).toThrow(refusal('extension'));
  });

  test('money handed over in another currency, or less than nothing', () => {
    for (const extensions of [
      [money(urls.tendered, 90, 'EUR')],
      [money(urls.tendered, 80), money(urls.returned, -10)],
    ]) {
      expect(() => read(buildPayment(90, { extensions }))).toThrow(expect.objectContaining({ status: 422 }));
    }
    const right = [money(urls.tendered, 100), money(urls.returned, 10)];
    expect(read(buildPayment(90, { extensions: right })).amountMinor).toBe(9_000n);
  });

  test('parts that are more than the payment, or in another currency (34)', () => {
    const details = [['Invoice/1', 60] as const, ['Invoice/2', 60] as const];
    expect(() => read(buildPayment(100, { details }))).toThrow(refusal('detail'));
    const euro = buildPayment(100, { details: [['Invoice/1', 1]] });
    expect(() => read({ ...euro, detail: [{ ...euro.detail![0]!, amount: { value: 1, currency: 'EUR' } }] })).toThrow(
      refusal('detail[0].amount'),
    );
    const without = { ...euro, detail: [{ type: euro.detail![0]!.type }] };
    expect(() => read(without)).toThrow(refusal('detail[0].amount'));
  });

  test.each(['Patient/1', 'https://other.example/fhir/Invoice/1', 'urn:uuid:0', '#invoice'])(
    'a part for %s',
    (reference) => {
      expect(() => read(buildPayment(1, { details: [[reference, 1]] }))).toThrow(refusal('detail[0].request'));
    },
  );

  test.each(['2026', '2026-11', ''])('the date "%s", which is no day (38)', (date) => {
    expect(() => read(buildPayment(1, { date }))).toThrow(refusal('paymentDate'));
  });

  test('no outcome, or one of batches', () => {
    const { outcome: _, ...without } = buildPayment(1);
    expect(() => read(without)).toThrow(refusal('outcome'));
    expect(() => read(buildPayment(1, { outcome: 'partial' }))).toThrow(refusal('outcome'));
  });

  test('a refund of nothing that can be refunded, and a payment that says it refunds (36)', () => {
    expect(() => read(buildPayment(1, { type: 'refund' }))).toThrow(refusal('extension'));
    expect(() => read(buildPayment(1, { type: 'refund', refunds: 'Claim/1' }))).toThrow(refusal('extension'));
    expect(() => read(buildPayment(1, { refunds: 'PaymentReconciliation/1' }))).toThrow(refusal('extension'));
  });

  test('a drawer that is no place, and more parts than anybody pays at once', () => {
    expect(() => read(buildPayment(1, { drawer: 'Device/1' }))).toThrow(refusal('extension'));
    const details = Array.from({ length: 1001 }, () => ['Invoice/1', 0.01] as const);
    expect(() => read(buildPayment(100, { details }))).toThrow(refusal('detail'));
  });
});
