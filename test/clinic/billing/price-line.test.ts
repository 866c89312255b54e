// From a price to an Invoice line: contract.md 24 and 25, domain.md 3.4.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { totalsOf } from '../../../src/clinic/billing/invoice-amounts.ts';
import { readPrice } from '../../../src/clinic/billing/price.ts';
import { grossOf, type LineComponent, netOf, priceLine } from '../../../src/clinic/billing/price-line.ts';
import { readDecimal } from '../../../src/fhir/decimal.ts';
import { base, type DefinitionComponent, definition, tax, taxInclusive } from './prices.ts';

const seed = 20_261_120;

interface LineOptions {
  readonly inclusive?: boolean;
  readonly quantity?: string;
  readonly further?: DefinitionComponent[];
}

function line(components: DefinitionComponent[], options: LineOptions = {}): LineComponent[] {
  const { inclusive = false, quantity = '1', further = [] } = options;
  const price = readPrice(definition(components, { extension: inclusive ? [taxInclusive] : [] }), 'USD');
  const furtherTaxes = readPrice(definition(further), 'USD')?.components;
  if (!price || !furtherTaxes) throw new Error('The definition is no price.');
  return priceLine({ ...price, furtherTaxes, quantity: readDecimal(quantity)! });
}

function amounts(components: LineComponent[]): [string, bigint][] {
  return components.map(({ type, amountMinor }) => [type, amountMinor]);
}

const surcharge = (value: number): DefinitionComponent => ({ type: 'surcharge', amount: { value, currency: 'USD' } });
const discount = (factor: number): DefinitionComponent => ({ type: 'discount', factor });

describe('a line with the tax on top', () => {
  test('is base, surcharge and discount, then each tax on the discounted net', () => {
    const components = line([base(100), discount(0.15), surcharge(20), tax(0.19)], { further: [tax(0.02, 'city')] });
    expect(amounts(components)).toEqual([
      ['base', 10_000n],
      ['discount', -1_500n],
      ['surcharge', 2_000n],
      ['tax', 1_995n],
      ['tax', 210n],
    ]);
    expect([netOf(components), grossOf(components)]).toEqual([10_500n, 12_705n]);
  });

  test('rounds a discount of 12.5 % of 1.00 to 0.13, and each tax by itself', () => {
    expect(amounts(line([base(1), discount(0.125)]))).toContainEqual(['discount', -13n]);
    const twice = line([base(0.5), tax(0.05), tax(0.05)]);
    expect(amounts(twice)).toEqual([
      ['base', 50n],
      ['tax', 3n],
      ['tax', 3n],
    ]);
  });

  test('applies factors of surcharges and discounts to the base price, as R4 defines them', () => {
    const components = line([base(100), { type: 'surcharge', factor: 0.5 }, discount(0.1), discount(0.1)]);
    expect(amounts(components).map(([, amount]) => amount)).toEqual([10_000n, 5_000n, -1_000n, -1_000n]);
  });

  test('multiplies by the quantity before it rounds', () => {
    expect(amounts(line([base(0.33), surcharge(0.01), tax(0.1)], { quantity: '2.5' }))).toEqual([
      ['base', 83n],
      ['surcharge', 3n],
      ['tax', 9n],
    ]);
  });

  test('keeps a tax of factor 0 as a component of amount 0', () => {
    expect(amounts(line([base(100), tax(0)]))).toEqual([
      ['base', 10_000n],
      ['tax', 0n],
    ]);
  });

  test('never takes more off than there is', () => {
    const components = line([discount(0.8), base(10), discount(0.8), discount(0.8), tax(0.19)]);
    expect(amounts(components).map(([, amount]) => amount)).toEqual([-800n, 1_000n, -200n, 0n, 0n]);
  });

  test('shows what is informational and does not count it', () => {
    const components = line([base(10), { type: 'informational', amount: { value: 99 } }, tax(0.1)]);
    expect(amounts(components)).toContainEqual(['informational', 9_900n]);
    expect(grossOf(components)).toBe(1_100n);
  });

  test('takes a deduction off the net as a discount', () => {
    expect(netOf(line([base(10), { type: 'deduction', amount: { value: 3 } }]))).toBe(700n);
  });
});

describe('a line with the tax inside', () => {
  test('has the net as its base: 119.00 with 19 % is 100.00 and 19.00', () => {
    expect(amounts(line([base(119), tax(0.19)], { inclusive: true }))).toEqual([
      ['base', 10_000n],
      ['tax', 1_900n],
    ]);
  });

  test('splits the tax by largest remainder: 100.00 with 9 % and 9 %', () => {
    // net = 100 / 1.18 = 84.75, tax = 15.25, an odd number of cents
    const components = line([base(100), tax(0.09, 'CGST'), tax(0.09, 'SGST')], { inclusive: true });
    expect(amounts(components)).toEqual([
      ['base', 8_475n],
      ['tax', 763n],
      ['tax', 762n],
    ]);
  });

  test('takes the tax out of every component', () => {
    const components = line([base(119), surcharge(11.9), discount(0.1), tax(0.19)], { inclusive: true });
    expect(amounts(components)).toEqual([
      ['base', 10_000n],
      ['surcharge', 1_000n],
      ['discount', -1_000n],
      ['tax', 1_900n],
    ]);
  });

  test('counts the taxes of other definitions in the sum of rates', () => {
    const components = line([base(121), tax(0.19)], { inclusive: true, further: [tax(0.02, 'city')] });
    expect(amounts(components).map(([, amount]) => amount)).toEqual([10_000n, 1_900n, 200n]);
  });

  test('takes a tax of a fixed amount off first', () => {
    const fixed: DefinitionComponent = { type: 'tax', amount: { value: 1, currency: 'USD' } };
    expect(amounts(line([base(120), fixed, tax(0.19)], { inclusive: true })).map(([, amount]) => amount)).toEqual([
      10_000n,
      100n,
      1_900n,
    ]);
  });

  test('is nothing when all of it is discounted', () => {
    const components = line([base(100), discount(1), tax(0.19)], { inclusive: true });
    expect([netOf(components), grossOf(components)]).toEqual([0n, 0n]);
  });
});

const money = fc.nat(10_000_000).map((minor) => ({ value: minor / 100, currency: 'USD' as const }));
const rate = fc.nat(50_000).map((parts) => parts / 100_000);
const listed: fc.Arbitrary<DefinitionComponent> = fc.oneof(
  fc.record({ type: fc.constant('base' as const), amount: money }),
  fc.record({ type: fc.constantFrom('surcharge', 'discount', 'deduction', 'informational'), amount: money }),
  fc.record({ type: fc.constantFrom('surcharge', 'discount', 'deduction'), factor: rate }),
);
const taxes = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('tax' as const), factor: rate }),
    fc.record({ type: fc.constant('tax' as const), amount: money }),
  ),
  { maxLength: 4 },
);
const terms = fc.record({
  components: fc.array(listed, { maxLength: 6 }),
  own: taxes,
  further: taxes,
  inclusive: fc.boolean(),
  quantity: fc.nat(20_000).map((thousandths) => String(thousandths / 1000)),
});

describe('for every price, quantity and set of taxes', () => {
  test('the components sum to the totals, and nothing is negative but what is taken off', () => {
    fc.assert(
      fc.property(terms, ({ components, own, further, inclusive, quantity }) => {
        const priced = line([...components, ...own], { inclusive, quantity, further });
        expect(priced).toHaveLength(components.length + own.length + further.length);
        const { totalPriceComponent, totalNet, totalGross } = totalsOf(priced, 'USD');
        const minor = (value: number | undefined) => Math.round((value ?? 0) * 100);
        const sum = (types: string[]) =>
          totalPriceComponent
            .filter(({ type }) => types.includes(type))
            .reduce((total, { amount }) => total + minor(amount?.value), 0);
        expect(sum(['base', 'surcharge', 'discount', 'deduction'])).toBe(minor(totalNet.value));
        expect(sum(['base', 'surcharge', 'discount', 'deduction', 'tax'])).toBe(minor(totalGross.value));
        expect(netOf(priced) >= 0n && grossOf(priced) >= netOf(priced)).toBe(true);
      }),
      { seed, numRuns: 500 },
    );
  });

  test('with the tax inside, the gross is what is listed, and a tax of factor 0 stays 0', () => {
    fc.assert(
      fc.property(terms, ({ components, own, further, quantity }) => {
        const listedGross = netOf(line(components, { quantity }));
        const priced = line([...components, ...own], { inclusive: true, quantity, further });
        expect(grossOf(priced)).toBe(listedGross);
        for (const { type, factor, amountMinor } of priced) {
          if (type !== 'tax' || !factor) continue;
          expect(amountMinor >= 0n).toBe(true);
          if (factor.digits === 0n) expect(amountMinor).toBe(0n);
        }
      }),
      { seed, numRuns: 500 },
    );
  });

  test('taking the tax out of a gross that was made by adding it gives the net back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), rate, (netMinor, factor) => {
        const onTop = line([base(netMinor / 100), tax(factor)]);
        const inside = line([base(Number(grossOf(onTop)) / 100), tax(factor)], { inclusive: true });
        expect(netOf(inside)).toBe(BigInt(netMinor));
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('totals of an Invoice', () => {
  test('sum components by type, code and factor, so that each tax rate stands by itself', () => {
    const components = [
      ...line([base(100), tax(0.19)]),
      ...line([base(50), discount(0.1), tax(0.19)]),
      ...line([base(10), tax(0.07)]),
    ];
    expect(totalsOf(components, 'USD')).toEqual({
      totalPriceComponent: [
        { type: 'base', amount: { value: 160, currency: 'USD' } },
        { type: 'tax', code: { text: 'VAT' }, factor: 0.19, amount: { value: 27.55, currency: 'USD' } },
        { type: 'discount', factor: 0.1, amount: { value: -5, currency: 'USD' } },
        { type: 'tax', code: { text: 'VAT' }, factor: 0.07, amount: { value: 0.7, currency: 'USD' } },
      ],
      totalNet: { value: 155, currency: 'USD' },
      totalGross: { value: 183.25, currency: 'USD' },
    });
  });
});
