// The reckoning of drafts for any lines: totals, signs, rounding, discounts: contract.md 24 to 27, domain.md 3.4, security.md 112.

import { describe, expect, test } from '@jest/globals';
import type { Invoice, InvoiceLineItem, InvoiceLineItemPriceComponent } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { checkTotals } from '../../../src/clinic/billing/check-totals.ts';
import { completeLines, type LineWorld } from '../../../src/clinic/billing/complete-lines.ts';
import { approveDiscount, discountLimitOf, reductionOf } from '../../../src/clinic/billing/discounts.ts';
import { nothingCharged } from '../../../src/clinic/billing/earlier-charges.ts';
import { totalsOf } from '../../../src/clinic/billing/invoice-amounts.ts';
import { readPrice } from '../../../src/clinic/billing/price.ts';
import { grossOf } from '../../../src/clinic/billing/price-line.ts';
import { divideRounded } from '../../../src/clinic/billing/rounding.ts';
import type { Currency } from '../../../src/fhir/money.ts';
import { formatAmount } from '../../../src/fhir/money.ts';
import { base, concept, definition, tax, taxInclusive } from './prices.ts';

const plain: LineWorld = {
  currency: 'USD',
  rounding: 'half-up',
  prices: [],
  chargeItems: new Map(),
  at: 0,
};

function invoiceOf(lineItem: InvoiceLineItem[]): Invoice {
  return { resourceType: 'Invoice', status: 'draft', lineItem };
}

function written(...priceComponent: object[]): InvoiceLineItem {
  return {
    chargeItemCodeableConcept: { text: 'x' },
    priceComponent: priceComponent as InvoiceLineItemPriceComponent[],
  } as InvoiceLineItem;
}

function completed(invoice: Invoice, world: Partial<LineWorld> = {}, old?: Invoice) {
  return completeLines({ invoice, old, exactNumbers: undefined, isCredit: false }, { ...plain, ...world });
}

const amountsOf = (invoice: Invoice) =>
  invoice.lineItem!.map(({ priceComponent = [] }) => priceComponent.map(({ amount }) => amount?.value));
const money = (value: number, currency: Currency) => ({ value, currency });

describe('a written line', () => {
  test.each<[Currency, string, object[], number[]]>([
    [
      'USD',
      'half a cent up',
      [
        { type: 'base', amount: money(1, 'USD') },
        { type: 'discount', factor: 0.125 },
      ],
      [1, -0.13],
    ],
    [
      'USD',
      'an exempt tax',
      [
        { type: 'base', amount: money(10, 'USD') },
        { type: 'tax', factor: 0 },
      ],
      [10, 0],
    ],
    [
      'USD',
      'several taxes, each by itself',
      [
        { type: 'base', amount: money(0.5, 'USD') },
        { type: 'tax', factor: 0.05 },
        { type: 'tax', factor: 0.05 },
      ],
      [0.5, 0.03, 0.03],
    ],
    [
      'USD',
      'a surcharge that is taxed',
      [
        { type: 'base', amount: money(100, 'USD') },
        { type: 'surcharge', factor: 0.1 },
        { type: 'tax', factor: 0.1 },
      ],
      [100, 10, 11],
    ],
    [
      'JPY',
      'no decimals',
      [
        { type: 'base', amount: money(105, 'JPY') },
        { type: 'tax', factor: 0.1 },
      ],
      [105, 11],
    ],
    [
      'KWD',
      'three decimals',
      [
        { type: 'base', amount: money(1.005, 'KWD') },
        { type: 'tax', factor: 0.05 },
      ],
      [1.005, 0.05],
    ],
  ])('in %s has %s', (currency, _, components, amounts) => {
    const invoice = invoiceOf([written(...components)]);
    completed(invoice, { currency });
    expect(amountsOf(invoice)).toEqual([amounts]);
  });

  test('rounds halves to the even digit where the clinic says so', () => {
    const lines = [0.5, 1.5, 2.5].map((value) =>
      written({ type: 'base', amount: money(value, 'USD') }, { type: 'tax', factor: 0.05 }),
    );
    const up = invoiceOf(structuredClone(lines));
    const even = invoiceOf(lines);
    completed(up);
    completed(even, { rounding: 'half-even' });
    expect(amountsOf(up).map(([, taxed]) => taxed)).toEqual([0.03, 0.08, 0.13]);
    expect(amountsOf(even).map(([, taxed]) => taxed)).toEqual([0.02, 0.08, 0.12]);
  });

  test('keeps the shares of an inclusive tax when it is sent back as it came, in any order of its members', () => {
    const price = readPrice(
      definition([base(0.03), tax(0.5, 'a'), tax(0.5, 'b'), tax(0.5, 'c')], {
        code: concept('v'),
        extension: [taxInclusive],
      }),
      'USD',
    )!;
    const world = { prices: [{ ...price, lastUpdated: 0 }] };
    const stored = invoiceOf([{ chargeItemCodeableConcept: concept('v') } as InvoiceLineItem]);
    completed(stored, world);
    const again = invoiceOf(
      stored.lineItem!.map(({ priceComponent, ...line }) => ({ priceComponent, ...line }) as InvoiceLineItem),
    );
    completed(again, world, stored);
    expect(amountsOf(again)).toEqual(amountsOf(stored));
  });
});

const cents = fc.integer({ min: 0, max: 10_000_000 });
const factor = fc.integer({ min: 0, max: 100_000 }).map((digits) => digits / 100_000);
const component = fc.oneof(
  cents.map((value) => ({ type: 'base', amount: money(value / 100, 'USD') })),
  fc.integer({ min: 0, max: 20_000 }).map((digits) => ({ type: 'discount', factor: digits / 100_000 })),
  factor.map((value) => ({ type: 'tax', factor: value })),
  cents.map((value) => ({ type: 'surcharge', amount: money(value / 100, 'USD') })),
);
const lines = fc.array(
  fc.array(component, { maxLength: 5 }).map((parts) => written({ type: 'base', amount: money(1, 'USD') }, ...parts)),
  { minLength: 1, maxLength: 8 },
);

describe('for any lines', () => {
  test('totals are the sum of the lines in whole units, and are right when they are sent back', () => {
    fc.assert(
      fc.property(lines, (lineItem) => {
        const invoice = invoiceOf(lineItem);
        const components = completed(invoice).flatMap((one) => one.components);
        const totals = totalsOf(components, 'USD');
        const sum = amountsOf(invoice)
          .flat()
          .reduce((whole, value) => whole! + Math.round(value! * 100), 0);
        expect(formatAmount(grossOf(components), 'USD')).toBe((sum! / 100).toFixed(2));
        const sent = { ...invoice, ...totals };
        checkTotals(sent, components, 'USD');
        expect(() =>
          checkTotals({ ...sent, totalGross: money(totals.totalGross.value! + 0.01, 'USD') }, components, 'USD'),
        ).toThrow(/totalGross is/);
        const again = structuredClone(invoice);
        expect(completed(again).flatMap((one) => one.components.map(({ amountMinor }) => amountMinor))).toEqual(
          components.map(({ amountMinor }) => amountMinor),
        );
        expect(again).toEqual(invoice);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('what is given away is what discounts take off, and whoever may give less is refused', () => {
    fc.assert(
      fc.property(lines, fc.integer({ min: 0, max: 99 }), (lineItem, limit) => {
        const invoice = invoiceOf(lineItem);
        const done = completed(invoice);
        const taken = amountsOf(invoice).flatMap((amounts, index) =>
          amounts.filter((_, at) => lineItem[index]!.priceComponent![at]!.type === 'discount'),
        );
        const reduction = reductionOf(done, nothingCharged);
        expect(Number(reduction.givenMinor)).toBe(taken.reduce((sum, value) => sum! - Math.round(value! * 100), 0));
        const caller = {
          tenantId: 1,
          clientId: 'c',
          kind: 'staff',
          agent: { display: 'c' },
          grants: [],
          roles: new Set(['x']),
        } as const;
        const approve = () =>
          approveDiscount(
            { invoice, old: undefined, reduction, oldReduction: { givenMinor: 0n, ofMinor: 0n } },
            caller,
            discountLimitOf(caller, { x: limit }),
          );
        if (reduction.givenMinor * 100n > reduction.ofMinor * BigInt(limit)) expect(approve).toThrow(/up to/);
        else expect(approve).not.toThrow();
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test('halves to even differ from halves up by one unit at most, and only at halves', () => {
    fc.assert(
      fc.property(fc.bigInt(-100_000n, 100_000n), fc.bigInt(1n, 1000n), (numerator, denominator) => {
        const [up, even] = (['half-up', 'half-even'] as const).map((rounding) =>
          divideRounded(numerator, denominator, rounding),
        );
        const isHalf =
          (numerator * 2n) % denominator === 0n &&
          numerator % denominator !== 0n &&
          ((numerator * 2n) / denominator) % 2n !== 0n;
        if (isHalf) expect(even! % 2n).toBe(0n);
        else expect(even).toBe(up);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});

test('a line that was reckoned in another currency is none that stands: the clinic has changed its own since (domain.md 6)', () => {
  const stored = () => invoiceOf([written({ type: 'base', amount: money(10, 'EUR') })]);
  expect(() => completed(stored(), {}, stored())).toThrow(
    expect.objectContaining({ status: 422, message: expect.stringContaining('Amounts are in USD') }),
  );
  expect(completed(stored(), { currency: 'EUR' }, stored())[0]?.components[0]?.amountMinor).toBe(1_000n);
});

test('a line that the list does not know is enough: it costs what is written (contract.md 27)', () => {
  const prices = [readPrice(definition([base(10)]), 'USD')!];
  const free = invoiceOf([written({ type: 'base', amount: money(4, 'USD') })]);
  const [line] = completed(free, { prices });
  expect([line?.components[0]?.amountMinor, line?.asked]).toEqual([400n, undefined]);
});
