// A payment that is more than a draft stays as it is, but for how it goes on: contract.md 36 and 37.

import { describe, expect, test } from '@jest/globals';
import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { succeed } from '../../../src/clinic/payments/frozen.ts';
import type { Phase } from '../../../src/clinic/payments/phase.ts';
import { buildPayment, urls, usd } from './till.ts';

const old: PaymentReconciliation = {
  ...buildPayment(100, { issuer: 'Patient/1', details: [['Invoice/1', 60]] }),
  id: 'x',
  meta: { versionId: '1' },
};

function successor(next: Partial<PaymentReconciliation>, [from, to]: readonly [Phase, Phase] = ['posted', 'posted']) {
  return succeed({ old, next: { ...old, ...next }, from, to });
}

const frozen = expect.objectContaining({ status: 422 });

describe('of a payment that was posted', () => {
  test.each<[string, Partial<PaymentReconciliation>]>([
    ['amount', { paymentAmount: usd(99) }],
    ['currency', { paymentAmount: { value: 100, currency: 'EUR' } }],
    ['date', { paymentDate: '2026-01-01' }],
    ['parts', { detail: [] }],
    ['type, method and payer', { extension: [] }],
    ['identifiers', { identifier: [{ value: '2' }] }],
    ['notes', { disposition: 'because' }],
    ['created', { created: '2026-01-01T00:00:00Z' }],
  ])('the %s cannot change', (_, next) => {
    expect(() => successor(next)).toThrow(frozen);
  });

  test('an element cannot be left out, nor a payer replaced', () => {
    const { paymentDate: _, ...without } = old;
    expect(() => succeed({ old, next: without as typeof old, from: 'posted', to: 'posted' })).toThrow(frozen);
    const extension = old.extension!.map((one) =>
      one.url === urls.issuer ? { ...one, valueReference: { reference: 'Patient/2' } } : one,
    );
    expect(() => successor({ extension })).toThrow(frozen);
  });

  test('labels and text can change, and the order of members and extensions says nothing', () => {
    const meta = { versionId: '2', tag: [{ code: 'seen' }] };
    const reversed = Object.fromEntries(Object.entries(old).reverse()) as unknown as typeof old;
    const next = { ...reversed, meta, extension: [...old.extension!].reverse() };
    expect(succeed({ old, next, from: 'posted', to: 'posted' })).toEqual({ ...old, meta });
  });

  test('what the server filled in may be left out, and stays', () => {
    const extension = old.extension!.filter(({ url }) => url !== urls.issuer && url !== urls.method);
    expect(successor({ extension })).toEqual(old);
  });

  test('what is left after refunds is not the client’s to say', () => {
    const extension = [...old.extension!, { url: urls.netAmount, valueMoney: usd(1) }];
    expect(successor({ extension })).toEqual(old);
  });
});

describe('a void', () => {
  const voiding = ['posted', 'void'] as const;

  test('takes the status and the reason, and keeps how the money is divided by now', () => {
    const next = { status: 'cancelled', disposition: 'typed twice', detail: [] } as const;
    expect(successor({ ...next, detail: [...next.detail] }, voiding)).toEqual({
      ...old,
      status: 'cancelled',
      disposition: 'typed twice',
    });
  });

  test('need not say the outcome again', () => {
    const { outcome: _, ...rest } = old;
    const next = { ...rest, status: 'cancelled' } as typeof old;
    expect(succeed({ old, next, from: 'posted', to: 'void' })).toEqual({ ...old, status: 'cancelled' });
  });

  test('is no way to another amount', () => {
    expect(() => successor({ status: 'cancelled', paymentAmount: usd(1) }, voiding)).toThrow(frozen);
  });
});

test('whoever completes a queued payment may add the ids of the gateway', () => {
  const identifier = [{ system: 'urn:gateway', value: 'tx-1' }];
  const next = { identifier, paymentIdentifier: { value: '42' } };
  expect(successor(next, ['queued', 'posted'])).toEqual({ ...old, ...next });
  expect(() => successor(next, ['queued', 'queued'])).toThrow(frozen);
  expect(() => successor({ paymentAmount: usd(1) }, ['queued', 'posted'])).toThrow(frozen);
});
