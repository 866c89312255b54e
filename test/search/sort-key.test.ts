// What a sort compares, of resources that are opened to be sorted: https://hl7.org/fhir/R4/search.html#sort

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { type SortPosition, sortOrder } from '../../src/search/compile/sort.ts';
import { comparePositions, positionIn } from '../../src/search/sort-key.ts';
import { parse } from './evaluate.ts';

function keysOf(type: string, sort: string, elements: object): SortPosition['keys'] {
  const row = { id: 'x', last_updated: new Date(5) };
  const resource = { resourceType: type, id: 'x', ...elements } as Resource;
  return positionIn(sortOrder(parse(type, `_sort=${sort}`).sort), row, resource).keys;
}

describe('the key', () => {
  test.each<[string, string, object, SortPosition['keys']]>([
    ['Patient', 'name', { name: [{ text: 'Dr. Größer', family: 'Größer', given: ['Éva'] }] }, ['grosser eva']],
    ['Patient', 'name', { name: [{ text: 'Muster, Eva' }] }, ['muster eva']],
    ['Patient', 'name', { name: [{ use: 'official' }] }, [null]],
    ['Patient', 'name', { name: [{ use: 'old' }, { family: 'B' }] }, ['b']],
    ['Patient', 'address', { address: [{ use: 'home' }] }, [null]],
    ['Patient', 'family,-family', { name: [{ family: 'B' }, { family: 'A' }, {}] }, ['a', 'b']],
    ['Patient', 'address', { address: [{ text: 'x', line: ['Weg 1'], city: 'Bern' }] }, ['weg 1 bern']],
    ['Patient', 'birthdate', { birthDate: '1980' }, [Date.UTC(1980, 0, 1)]],
    ['Patient', 'birthdate,name,gender', {}, [null, null, null]],
    ['Patient', 'active', { active: true }, ['true']],
    ['Patient', 'phone', { telecom: [{ system: 'phone', value: '+41 (79) 1' }] }, ['41791']],
    ['Patient', '_lastUpdated,name', {}, [5, null]],
    ['Observation', 'code', { code: { coding: [{ code: 'b' }, { code: 'a' }], text: 'c' } }, ['a']],
    ['Observation', 'code', { code: { text: 'c' } }, ['c']],
    ['Observation', 'subject', { subject: { reference: 'Patient/1' } }, ['Patient/1']],
    ['Observation', 'subject', { subject: { identifier: { value: 'i' } } }, ['i']],
    ['Observation', 'subject', { subject: { display: 'Eva' } }, [null]],
    ['ValueSet', 'url', { url: 'http://x' }, ['http://x']],
  ])('of %s by %s for %j', (type, sort, elements, expected) => {
    expect(keysOf(type, sort, elements)).toEqual(expected);
  });

  test('is short however long the value is', () => {
    const [key] = keysOf('Patient', 'family', { name: [{ family: 'x'.repeat(500) }] });
    expect(key).toHaveLength(60);
  });
});

describe('the order', () => {
  const key = fc.option(fc.constantFrom('', 'a', 'b', 'é', 'z'), { nil: null });
  const position = fc.record({ id: fc.constantFrom('1', '2', '3', '4'), keys: fc.tuple(key, key) });
  const sorts = fc.constantFrom(
    'family,given',
    '-family,given',
    'family,-given',
    '-family,-given',
    '-family,-given,-_id',
  );

  test('is one order of all, with what has no value last in both directions', () => {
    fc.assert(
      fc.property(fc.array(position, { maxLength: 12 }), sorts, (positions, sort) => {
        const order = sortOrder(parse('Patient', `_sort=${sort}`).sort);
        const sorted = positions.toSorted((a, b) => comparePositions(order, a, b));
        for (const [index, a] of sorted.entries()) {
          for (const b of sorted.slice(index)) {
            expect(comparePositions(order, a, b)).toBeLessThanOrEqual(0);
            expect(Math.sign(comparePositions(order, b, a))).toBe(-Math.sign(comparePositions(order, a, b)) + 0);
          }
        }
        const missing = sorted.map(({ keys: [first] }) => first === null);
        expect(missing).toEqual(missing.toSorted());
      }),
      { seed: 20_261_120, numRuns: 300 },
    );
  });
});
