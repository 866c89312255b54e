// A price that was applied to a ChargeItem is the price of its Invoice, with the same taxes: contract.md 24.

import { describe, expect, test } from '@jest/globals';
import type { ChargeItem } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { readPrice } from '../../../src/clinic/billing/price.ts';
import { applyPrice, chargeOfItem } from '../../../src/clinic/billing/price-charge.ts';
import { grossOf, netOf } from '../../../src/clinic/billing/price-line.ts';
import { toMoney } from '../../../src/fhir/money.ts';
import { base, concept, type DefinitionComponent, definition, tax, taxInclusive } from './prices.ts';

const seed = 20_261_123;

const plain: ChargeItem = {
  ...{ resourceType: 'ChargeItem', status: 'billable', code: concept('check-up') },
  subject: { reference: 'Patient/1' },
};

function priced(components: DefinitionComponent[], isInclusive: boolean, item: ChargeItem) {
  const price = readPrice(definition(components, isInclusive ? { extension: [taxInclusive] } : {}), 'USD');
  const charge = chargeOfItem(item, 'USD', 0);
  const line = price && applyPrice([price], price, charge, 'half-up')?.components;
  if (!line) throw new Error('There is no price.');
  return line;
}

/** As `$apply` leaves it: the net of all of it overrides. */
function applied(components: DefinitionComponent[], isInclusive: boolean, item: ChargeItem): ChargeItem {
  return { ...item, priceOverride: toMoney(netOf(priced(components, isInclusive, item)), 'USD') };
}

describe('the net that $apply writes', () => {
  test('gives the same line as the list, whatever price, taxes, discount and quantity: a property', () => {
    const cents = fc.integer({ min: 0, max: 100_000 });
    const rate = fc.integer({ min: 0, max: 3_000 }).map((basisPoints) => basisPoints / 10_000);
    const arbitrary = fc.record({
      cents,
      isInclusive: fc.boolean(),
      rates: fc.array(rate, { maxLength: 3 }),
      off: fc.option(rate, { nil: undefined }),
      quantity: fc.constantFrom(1, 2, 3, 0.5, 2.5),
    });
    fc.assert(
      fc.property(arbitrary, ({ cents: price, isInclusive, rates, off, quantity }) => {
        const discounts: DefinitionComponent[] = off === undefined ? [] : [{ type: 'discount', factor: off }];
        const components = [base(price / 100), ...discounts, ...rates.map((one, index) => tax(one, `tax ${index}`))];
        const item = { ...plain, quantity: { value: quantity } };
        const direct = priced(components, isInclusive, item);
        const afterwards = priced(components, isInclusive, applied(components, isInclusive, item));
        expect(afterwards).toEqual(direct);
        expect(grossOf(afterwards)).toBe(grossOf(direct));
      }),
      { seed, numRuns: 2_000 },
    );
  });

  test('and any other net is the base of the taxes', () => {
    const item = { ...plain, priceOverride: toMoney(500n, 'USD') };
    expect(grossOf(priced([base(10.05), tax(0.19)], true, item))).toBe(595n);
  });
});
