// Who takes money and gives it back: domain.md section 5, contract.md 2, 48, 49.

import { describe, expect, test } from '@jest/globals';
import { readPayment } from '../../../src/clinic/payments/read-payment.ts';
import {
  isSamePerson,
  limitMinor,
  personOf,
  requireApproving,
  requireRefunding,
  requireSettling,
  requireTaking,
  requireVoiding,
} from '../../../src/clinic/payments/rights.ts';
import type { Session } from '../../../src/repository/session.ts';
import { buildPayment, type PaymentParts, today } from './till.ts';

type Caller = Session['caller'];

function caller(parts: Partial<Caller> = {}): Caller {
  return {
    ...{
      tenantId: 1,
      clientId: 'app',
      kind: 'staff',
      agent: { display: 'x' },
      grants: [],
      roles: new Set(['cashier']),
    },
    ...parts,
  };
}

const withRight = (...operations: string[]) => caller({ operations: new Set(operations) });
const system = caller({ kind: 'client', roles: new Set() });
const patient = caller({ kind: 'patient', roles: new Set(['patient']) });
const payment = (parts: PaymentParts = {}) => readPayment(buildPayment(100, parts), undefined);
const refund = payment({ type: 'refund', refunds: 'PaymentReconciliation/1' });
const forbidden = expect.objectContaining({ status: 403 });
const limits = { limitMinor: 10_000n, refundedMinor: 0n, paidOn: today() };
const voids = { limitMinor: 10_000n, today: today() };

describe('a patient', () => {
  test('pays online only: what is paid is queued until the money is there', () => {
    expect(() => requireTaking(patient, payment({ outcome: 'queued', method: 'CCCA' }))).not.toThrow();
    expect(() => requireTaking(patient, payment({ method: 'CCCA' }))).toThrow(forbidden);
    expect(() => requireTaking(patient, payment({ outcome: 'queued', method: 'CASH' }))).toThrow(forbidden);
    expect(() => requireTaking(patient, payment({ outcome: 'queued', method: 'CHCK' }))).toThrow(forbidden);
  });

  test('is one also as a client with the role of patients, and no more than that', () => {
    const client = (...roles: string[]) => caller({ kind: 'client', roles: new Set(roles) });
    expect(() => requireTaking(client('patient'), payment())).toThrow(forbidden);
    expect(() => requireTaking(client('patient', 'cashier'), payment())).not.toThrow();
  });

  test('gives nothing back, voids and settles nothing', () => {
    expect(() => requireRefunding(patient, refund, limits)).toThrow(forbidden);
    expect(() => requireVoiding(patient, payment(), voids)).toThrow(forbidden);
    expect(() => requireApproving(patient)).toThrow(forbidden);
    expect(() => requireSettling(patient)).toThrow(forbidden);
  });
});

describe('the front desk', () => {
  const desk = (...roles: string[]) => caller({ roles: new Set(['front-desk', ...roles]) });

  test('takes copays and deposits, and whatever another role of the same person takes', () => {
    expect(() => requireTaking(desk(), payment({ type: 'copay' }))).not.toThrow();
    expect(() => requireTaking(desk(), payment({ type: 'advance' }))).not.toThrow();
    expect(() => requireTaking(desk(), payment())).toThrow(forbidden);
    expect(() => requireTaking(desk('cashier'), payment())).not.toThrow();
    expect(() => requireTaking(desk('clinic-admin'), payment())).toThrow(forbidden);
  });
});

describe('a refund', () => {
  test('up to the limit, of the same day, needs the right of a cashier', () => {
    const cashier = withRight('op:refund-within-limit');
    expect(() => requireRefunding(cashier, refund, limits)).not.toThrow();
    expect(() => requireRefunding(cashier, refund, { ...limits, limitMinor: 9_999n })).toThrow(forbidden);
    expect(() => requireRefunding(cashier, refund, { ...limits, refundedMinor: 1n })).toThrow(forbidden);
    expect(() => requireRefunding(cashier, refund, { ...limits, paidOn: '2026-01-01' })).toThrow(forbidden);
    expect(() => requireRefunding(withRight(), refund, limits)).toThrow(forbidden);
  });

  test('above it needs op:refund or op:void, or a system that has no role', () => {
    const none = { limitMinor: 0n, refundedMinor: 0n, paidOn: undefined };
    for (const one of [withRight('op:refund'), withRight('op:void'), system]) {
      expect(() => requireRefunding(one, refund, none)).not.toThrow();
    }
  });
});

describe('a void (SM-4)', () => {
  const old = payment({ date: '2026-01-01' });

  test('of today and up to the limit needs the right of a cashier', () => {
    const cashier = withRight('op:refund-within-limit');
    expect(() => requireVoiding(cashier, payment(), voids)).not.toThrow();
    expect(() => requireVoiding(cashier, payment(), { ...voids, limitMinor: 9_999n })).toThrow(forbidden);
    expect(() => requireVoiding(cashier, old, voids)).toThrow(forbidden);
    expect(() => requireApproving(cashier)).toThrow(forbidden);
  });

  test('of any day, as approval, needs op:void, or a system that has no role', () => {
    for (const one of [withRight('op:void'), system]) {
      expect(() => requireVoiding(one, old, { ...voids, limitMinor: 0n })).not.toThrow();
      expect(() => requireApproving(one)).not.toThrow();
    }
    expect(() => requireVoiding(withRight('op:refund', '$settle-day'), payment(), voids)).toThrow(forbidden);
  });
});

test('a settlement needs $settle-day; a system that has no role may', () => {
  for (const one of [withRight('op:void'), system]) expect(() => requireSettling(one)).not.toThrow();
  expect(() => requireSettling(withRight('$settle-day'))).not.toThrow();
  expect(() => requireSettling(withRight('op:refund'))).toThrow(forbidden);
});

test('a person is the same by way of another app, and of a client that stands for them; a client is itself', () => {
  const isSame = (one: Partial<Caller>, other: Partial<Caller>) =>
    isSamePerson(personOf(caller(one)), personOf(caller(other)));
  expect(isSame({ clientId: 'a', accountId: '7' }, { clientId: 'b', accountId: '7' })).toBe(true);
  expect(isSame({ clientId: 'a' }, { clientId: 'b' })).toBe(false);
  expect(isSame({ clientId: '7' }, { clientId: 'a', accountId: '7' })).toBe(false);
  const p1 = { fhirUser: 'Practitioner/1' };
  expect(isSame({ clientId: 'a', ...p1 }, { clientId: 'b', accountId: '7', ...p1 })).toBe(true);
  expect(isSame({ clientId: 'a', ...p1 }, { clientId: 'b', fhirUser: 'Practitioner/2' })).toBe(false);
});

test.each([
  [20, 'USD', 2_000n],
  [20.5, 'USD', 2_050n],
  [20.5, 'JPY', 20n],
  [0, 'USD', 0n],
] as const)('a limit of %d in %s is %d of its smallest unit', (limit, currency, minor) => {
  expect(limitMinor(limit, currency)).toBe(minor);
});
