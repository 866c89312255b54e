// What a queue is sorted by: emergencies, then numbers, then who was called three times in vain (domain.md SM-1b).

import { describe, expect, test } from '@jest/globals';
import type { Encounter } from '@medplum/fhirtypes';
import {
  isEmergency,
  orderOf,
  queueNumberOf,
  queueOrderOf,
  setPlace,
} from '../../../src/clinic/visits/queue-elements.ts';

const encounter = (overrides: Partial<Encounter> = {}): Encounter => ({
  resourceType: 'Encounter',
  status: 'arrived',
  class: { code: 'AMB' },
  ...overrides,
});
const priority = (code: string, system = 'http://terminology.hl7.org/CodeSystem/v3-ActPriority') => ({
  coding: [{ system, code }],
});

test('an order is the number, but for emergencies, who come first, and those skipped, who come last', () => {
  const places = [
    { name: 'skipped twice', order: orderOf(1, 6, false) },
    { name: 'skipped', order: orderOf(2, 3, false) },
    { name: 'skipped emergency', order: orderOf(9, 5, true) },
    { name: 'called twice', order: orderOf(3, 2, false) },
    { name: 'next', order: orderOf(4, 0, false) },
    { name: 'emergency', order: orderOf(8, 0, true) },
    { name: 'later emergency', order: orderOf(9, 2, true) },
  ];
  expect(places.sort((a, b) => a.order - b.order).map(({ name }) => name)).toEqual([
    ...['emergency', 'later emergency', 'called twice', 'next', 'skipped emergency', 'skipped', 'skipped twice'],
  ]);
  expect(orderOf(7, 0, false)).toBe(7);
});

test('an order is an integer of 32 bits however often somebody calls', () => {
  expect(orderOf(999_999, 1_000_000, false)).toBeLessThan(2 ** 31);
});

describe('an Encounter', () => {
  test.each([
    ['EM', true],
    ['S', true],
    ['R', false],
    ['UR', false],
  ])('of priority %s is an emergency: %s', (code, expected) => {
    expect(isEmergency(encounter({ priority: priority(code) }))).toBe(expected);
  });

  test('of a priority in another system, or of none, is no emergency', () => {
    expect([encounter(), encounter({ priority: priority('EM', 'urn:other') })].map(isEmergency)).toEqual([
      false,
      false,
    ]);
  });

  test('has the place it is given and no other, behind what else it says', () => {
    const one = encounter({ extension: [{ url: 'urn:a', valueString: 'x' }], priority: priority('EM') });
    setPlace(one, { number: 3, calls: ['2026-11-23T09:00:00Z'] });
    setPlace(one, { number: 4, calls: ['2026-11-23T09:00:00Z'] });
    expect(one.extension?.map(({ url }) => url.split('/').pop())).toEqual([
      ...['urn:a', 'queue-number', 'queue-order', 'called-at'],
    ]);
    expect([queueNumberOf(one), queueOrderOf(one)]).toEqual([4, orderOf(4, 1, true)]);
  });

  test('without a place has no empty list: https://hl7.org/fhir/R4/json.html', () => {
    const one = encounter({ extension: [] });
    setPlace(one, { number: undefined, calls: [] });
    expect(one).toEqual(encounter());
  });
});
