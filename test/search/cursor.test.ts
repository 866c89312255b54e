// A cursor is good for the search, the caller and the tenant it was given to: security.md, paging

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PagePlace } from '../../src/search/compile/sort.ts';
import { type CursorBinding, openCursor, sealCursor } from '../../src/search/cursor.ts';
import { makeCipher } from '../support/cipher.ts';
import { parse } from './evaluate.ts';

const place = { isBackward: false, position: { id: 'a-1', keys: ['2026-11-20T10:00:00.000Z', 'infinity'] } };
const cipher = makeCipher();
const binding: CursorBinding = {
  key: Buffer.alloc(32, 7),
  tenantId: 1,
  caller: 'demo',
  query: parse('Patient', 'name=a&_sort=-_lastUpdated'),
  cipher,
};
const cursor = sealCursor(place, binding);

describe('a cursor', () => {
  test.each<[string, PagePlace]>([
    ['position behind which it goes on', place],
    ['position before which it ends', { ...place, isBackward: true }],
    ['end of the list', { isBackward: true }],
    ['start of the list', { isBackward: false }],
    ['end of the list in slices', { isBackward: true, isSliced: true }],
    ['position in a slice', { isBackward: false, isSliced: true, position: { id: 'o1', keys: ['a7'] } }],
  ])('brings back the %s', (_, made) => {
    expect(openCursor(sealCursor(made, binding), binding)).toEqual(made);
  });

  test('shows no name to whoever reads URLs, and stays short however long names are', () => {
    const query = parse('Patient', '_sort=family,given,birthdate');
    const named = { isBackward: true, position: { id: 'a', keys: ['ö'.repeat(60), 'eva', null] } };
    const sealed = sealCursor(named, { ...binding, query });
    expect(openCursor(sealed, { ...binding, query })).toEqual(named);
    expect(Buffer.from(sealed, 'base64url').toString()).not.toContain('eva');
    expect(sealed.length).toBeLessThan(1000);
  });

  test('is safe in a URL', () => {
    expect(cursor).toMatch(/^[\w-]+$/);
  });

  test('outlives a change of what only shapes the page', () => {
    const query = parse('Patient', 'name=a&_sort=-_lastUpdated&_count=5&_elements=name');
    expect(openCursor(cursor, { ...binding, query })).toEqual(place);
  });

  test.each<[string, Partial<CursorBinding>]>([
    ['another tenant', { tenantId: 2 }],
    ['another caller', { caller: 'other' }],
    ['another key', { key: Buffer.alloc(32, 8) }],
    ['another search', { query: parse('Patient', 'name=b&_sort=-_lastUpdated') }],
    ['another order', { query: parse('Patient', 'name=a') }],
    ['another type', { query: parse('Person', 'name=a&_sort=-_lastUpdated') }],
  ])('is refused for %s', (_, other) => {
    expect(() => openCursor(cursor, { ...binding, ...other })).toThrow(/cursor/);
  });

  test('is refused when any byte of it is changed, cut or added', () => {
    const bytes = Buffer.from(cursor, 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const changed = Buffer.from(bytes);
        changed[index]! ^= mask;
        expect(() => openCursor(changed.toString('base64url'), binding)).toThrow(/cursor/);
        expect(() => openCursor(bytes.subarray(0, index).toString('base64url'), binding)).toThrow(/cursor/);
        expect(() => openCursor(Buffer.concat([bytes, Buffer.from([mask])]).toString('base64url'), binding)).toThrow(
          /cursor/,
        );
      }),
      { seed: 20_261_120, numRuns: 500 },
    );
  });

  test('is refused when it is no cursor at all', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => openCursor(text, binding)).toThrow(/cursor/);
      }),
      { seed: 20_261_120, numRuns: 500 },
    );
  });
});
