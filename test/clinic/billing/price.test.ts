// What a ChargeItemDefinition can be charged by: contract.md 22, https://hl7.org/fhir/R4/chargeitemdefinition.html

import { describe, expect, test } from '@jest/globals';
import { hasBase, isInForce, readPrice } from '../../../src/clinic/billing/price.ts';
import { base, type DefinitionComponent, definition, forDepartment, forPractitioner, tax } from './prices.ts';

const at = Date.parse('2026-11-23T09:30:00Z');

function read(components: DefinitionComponent[], overrides: Parameters<typeof definition>[1] = {}) {
  return readPrice(definition(components, overrides), 'USD');
}

test('amounts become smallest units and factors stay exact', () => {
  const components = read([base(100), tax(0.19)])?.components;
  expect(components).toMatchObject([
    { type: 'base', amountMinor: 10_000n },
    { type: 'tax', factor: { digits: 19n, scale: 2 }, code: { text: 'VAT' } },
  ]);
});

test('all property groups count together', () => {
  const groups = [{ priceComponent: [base(100)] }, {}, { priceComponent: [tax(0.19)] }];
  expect(read([], { propertyGroup: groups })?.components).toHaveLength(2);
});

test('a discount is one with either sign', () => {
  for (const value of [5, -5]) {
    expect(read([base(10), { type: 'discount', amount: { value } }])?.components[1]?.amountMinor).toBe(500n);
  }
});

describe('is no price', () => {
  test.each<[string, DefinitionComponent]>([
    ['in another currency', base(100, 'EUR')],
    ['with more decimals than the currency has', base(1.005)],
    ['with a base that is a factor', { type: 'base', factor: 2 }],
    ['with an amount that is none', { type: 'base', amount: { currency: 'USD' } }],
    ['below zero', base(-1)],
    ['with a tax below zero', tax(-0.19)],
    ['with a surcharge of neither amount nor factor', { type: 'surcharge' }],
  ])('%s', (_, component) => {
    expect(read([base(1), component])).toBeUndefined();
  });

  test('with conditions, which only people can judge', () => {
    const applicability = [{ expression: '%context.age > 65' }];
    expect(read([base(1)], { applicability })).toBeUndefined();
    expect(read([], { propertyGroup: [{ applicability, priceComponent: [base(1)] }] })).toBeUndefined();
  });

  test('with a period that is none', () => {
    expect(read([base(1)], { effectivePeriod: { start: '2026-02-30' } })).toBeUndefined();
  });
});

describe('is in force', () => {
  test.each([
    [{}, true],
    [{ start: '2026-11-23' }, true],
    [{ start: '2026-11-24' }, false],
    [{ end: '2026-11-23' }, true],
    [{ end: '2026-11-22' }, false],
    [{ start: '2026', end: '2026' }, true],
    [{ start: '2026-11-23T09:30:00Z', end: '2026-11-23T09:30:00Z' }, true],
    [{ start: '2026-11-23T09:30:01Z' }, false],
    [{ end: '2026-11-23T11:30:00+02:00' }, true],
    [{ end: '2026-11-23T11:29:59+02:00' }, false],
  ])('in %j at the end of the visit: %s', (effectivePeriod, expected) => {
    const price = read([base(1)], { effectivePeriod });
    expect(price && isInForce(price, at)).toBe(expected);
  });
});

test('a definition without base is a tax, not a price', () => {
  const price = read([tax(0.19)]);
  expect(price && hasBase(price)).toBe(false);
});

test('a practitioner or department of elsewhere is kept, so that it fits nobody', () => {
  const extension = [forPractitioner('1'), forDepartment('2')];
  expect(read([base(1)], { extension })).toMatchObject({
    practitioners: ['Practitioner/1'],
    departments: ['Organization/2'],
  });
  const elsewhere = { ...forPractitioner('1'), valueReference: { reference: 'https://other.example/Practitioner/1' } };
  expect(read([base(1)], { extension: [elsewhere] })?.practitioners).toEqual(['https://other.example/Practitioner/1']);
});

test('the canonical names the version where there is one', () => {
  expect(read([], { url: 'http://a.example/p' })?.canonical).toBe('http://a.example/p');
  expect(read([], { url: 'http://a.example/p', version: '2' })?.canonical).toBe('http://a.example/p|2');
});
