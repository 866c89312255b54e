// A part above what is outstanding is cut to it, and the rest is credit: contract.md 34, domain.md I8.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cutToOutstanding, isCut, withAllocations } from '../../../src/clinic/payments/allocate.ts';
import { editContent } from '../../../src/clinic/payments/content.ts';
import { readPayment } from '../../../src/clinic/payments/read-payment.ts';
import { buildPayment, detailsOf } from './till.ts';

const partOf = (id: string, amountMinor: bigint, index = 0, type = 'Invoice') => ({
  ...{ index, amountMinor },
  target: { type, id, reference: `${type}/${id}` },
});

describe('the parts of a payment', () => {
  test('are cut to what is open, one after the other, and dropped where nothing is', () => {
    const open = new Map([['a', 50n]]);
    const parts = [partOf('a', 30n, 0), partOf('a', 30n, 1), partOf('a', 30n, 2), partOf('b', 5n, 3)];
    expect(cutToOutstanding(parts, open)).toEqual([partOf('a', 30n, 0), partOf('a', 20n, 1), partOf('b', 5n, 3)]);
    expect(open).toEqual(new Map([['a', 0n]]));
  });

  test('for Appointments and for nothing are not cut', () => {
    const parts = [partOf('a', 30n, 0, 'Appointment'), { index: 1, target: undefined, amountMinor: 3n }];
    expect(cutToOutstanding(parts, new Map([['a', 0n]]))).toEqual(parts);
  });

  test('never take more than is open, nor less than they could', () => {
    const ids = fc.constantFrom('a', 'b', 'c');
    const parts = fc.array(fc.tuple(ids, fc.bigInt({ min: 1n, max: 100n })), { maxLength: 12 });
    const balances = fc.tuple(...['a', 'b', 'c'].map(() => fc.bigInt({ min: 0n, max: 200n })));
    fc.assert(
      fc.property(parts, balances, (wanted, [a = 0n, b = 0n, c = 0n]) => {
        const before = new Map([['a', a] as const, ['b', b] as const, ['c', c] as const]);
        const after = new Map(before);
        const kept = cutToOutstanding(
          wanted.map(([id, amount], index) => partOf(id, amount, index)),
          after,
        );
        for (const [id, open] of before) {
          const asked = wanted.filter(([one]) => one === id).reduce((sum, [, amount]) => sum + amount, 0n);
          const taken = kept
            .filter(({ target }) => target?.id === id)
            .reduce((sum, part) => sum + part.amountMinor, 0n);
          expect(taken === asked || taken === open).toBe(true);
          expect(taken <= asked && taken <= open).toBe(true);
          expect(after.get(id)).toBe(open - taken);
        }
        expect(kept.every(({ amountMinor }) => amountMinor > 0n)).toBe(true);
      }),
      { seed: 34, numRuns: 300 },
    );
  });

  test('that are cut stand in the payment with all decimals, the others as they were sent', () => {
    const resource = buildPayment(100, {
      details: [
        ['Invoice/a', 40],
        ['Invoice/b', 30],
        ['Invoice/c', 20],
      ],
    });
    const exactNumbers = new Map([
      ['/paymentAmount/value', '100.0'],
      ['/detail/2/amount/value', '20.00'],
    ]);
    const payment = readPayment(resource, exactNumbers);
    const kept = cutToOutstanding(
      payment.allocations,
      new Map([
        ['a', 1_250n],
        ['b', 0n],
        ['c', 2_000n],
      ]),
    );
    expect(isCut(payment, kept)).toBe(false);
    expect(isCut(payment, payment.allocations)).toBe(true);
    const content = editContent({ resource, exactNumbers }, (one) => withAllocations(one, payment, kept));
    expect(detailsOf(content.resource as typeof resource)).toEqual(['Invoice/a 12.5', 'Invoice/c 20']);
    expect(content.exactNumbers).toEqual(
      new Map([
        ['/paymentAmount/value', '100.0'],
        ['/detail/0/amount/value', '12.50'],
        ['/detail/1/amount/value', '20.00'],
      ]),
    );
    expect(resource.detail).toHaveLength(3);
  });

  test('that are all gone leave no empty list, which FHIR does not have', () => {
    const resource = buildPayment(100, { details: [['Invoice/a', 40]] });
    const payment = readPayment(resource, undefined);
    expect(withAllocations(resource, payment, [])).not.toHaveProperty('detail');
  });
});
