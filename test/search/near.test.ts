// Locations near a position: https://hl7.org/fhir/R4/location.html#search

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { cellsAround, cellsOf, isWithin } from '../../src/search/geo-cells.ts';
import { extract, finds, parse, queryOf } from './evaluate.ts';

const at = (latitude: number, longitude: number) =>
  ({ resourceType: 'Location', position: { latitude, longitude } }) as unknown as Resource;
const found = (value: string, resource: Resource) => finds(parse('Location', queryOf(['near', value])), resource);

const munich = at(48.137, 11.575);

describe('near', () => {
  // Munich to Augsburg is 57 km, to Vienna 355 km.
  test.each([
    ['48.372|10.898|60|km', true],
    ['48.372|10.898|55|km', false],
    ['48.372|10.898|60000|m', true],
    ['48.372|10.898|40|[mi_i]', true],
    ['48.372|10.898|30|[mi_i]', false],
    ['48.372|10.898|60', true],
    ['48.208|16.373|360', true],
    ['48.208|16.373|350', false],
    ['48.1|11.5', true],
    ['52.52|13.405', false],
    ['52.52|13.405,48.1|11.5', true],
    ['-48.137|11.575|20000', true],
    ['48.137|11.575|0', true],
  ])('%s and a location in Munich', (value, isFound) => {
    expect(found(value, munich)).toBe(isFound);
  });

  test.each(['x', '48', '91|0', '0|181', '48|11|-1', '48|11|1|kg', '48|11|1|km|x', '48|11|x'])(
    '%s is an error',
    (value) => {
      expect(() => parse('Location', queryOf(['near', value]))).toThrow();
    },
  );

  test('across the date line and at the poles', () => {
    expect(found('0|179.9|30', at(0, -179.9))).toBe(true);
    expect(found('0|-180|1', at(0, 180))).toBe(true);
    expect(found('89.9|0|50', at(89.9, 180))).toBe(true);
    expect(found('89.9|0|10', at(89.9, 180))).toBe(false);
  });

  test('nothing readable is stored of a position', () => {
    // Both are stored keyed.
    expect(extract(munich).filter(({ kind }) => kind !== 'token' && kind !== 'class')).toEqual([]);
    const nowhere = { resourceType: 'Location', position: { latitude: 95, longitude: 0 } } as unknown as Resource;
    const present = { kind: 'token', text: 'Location.near:missing|false' };
    expect(new Set(extract(nowhere))).toEqual(new Set([...extract({ resourceType: 'Location' } as Resource), present]));
  });

  test('every position within a circle is in one of its cells, of which there are few', () => {
    const latitude = fc.double({ min: -90, max: 90, noNaN: true });
    const longitude = fc.double({ min: -180, max: 180, noNaN: true });
    const radiusMeters = fc.integer({ min: 0, max: 7 }).map((power) => 2 * 10 ** power);
    const step = fc.double({ min: -1, max: 1, noNaN: true });
    let inside = 0;
    fc.assert(
      fc.property(fc.record({ latitude, longitude, radiusMeters }), step, step, (circle, north, east) => {
        const reach = circle.radiusMeters / 111_000;
        const there = {
          latitude: Math.max(-90, Math.min(90, circle.latitude + north * reach)),
          longitude:
            ((((circle.longitude + (east * reach) / Math.max(0.01, Math.cos((circle.latitude * Math.PI) / 180)) + 180) %
              360) +
              360) %
              360) -
            180,
        };
        const cells = cellsAround(circle);
        expect(cells.length).toBeLessThanOrEqual(720);
        if (!isWithin(circle, there)) return;
        inside++;
        expect(cellsOf(there).some((cell) => cells.includes(cell))).toBe(true);
      }),
      { seed: 20_261_120, numRuns: 3000 },
    );
    expect(inside).toBeGreaterThan(1000);
  });
});
