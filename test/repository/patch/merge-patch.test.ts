// JSON merge patch: https://www.rfc-editor.org/rfc/rfc7396, on resources

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomResource } from '../../validation/random-resource.ts';
import { definitions, patched, patchText } from './patching.ts';

const base = { resourceType: 'Basic', id: '1', meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' } };
const merge = (patch: unknown, members: object = {}) => patched('merge-patch', patch, { ...base, ...members });

describe('RFC 7396 appendix A, and what the server owns', () => {
  test.each<[object, object, object]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: 'b' }, {}, { a: 'b' }],
    [{ a: 'b' }, base, { a: 'b' }],
  ])('%j merged with %j', (before, patch, after) => {
    expect(merge(patch, before)).toEqual({ ...base, ...after });
  });

  test('tags are merged, the version beside them stays', () => {
    expect(merge({ meta: { tag: [{ code: 'x' }] } })).toEqual({
      ...base,
      meta: { ...base.meta, tag: [{ code: 'x' }] },
    });
  });

  test.each<[object, string]>([
    [{ id: '2' }, 'id'],
    [{ id: null }, 'id'],
    [{ resourceType: 'Patient' }, 'resourceType'],
    [{ meta: null }, 'meta.versionId, meta.lastUpdated'],
    [{ meta: { versionId: '7' } }, 'meta.versionId'],
    [{ meta: [] }, 'meta.versionId, meta.lastUpdated'],
  ])('%j is 422', (patch, owned) => {
    const message = `The merge patch cannot be done: the server owns ${owned}.`;
    expect(() => merge(patch)).toThrow(expect.objectContaining({ status: 422, message }));
  });

  test.each(['[]', 'null', '"x"', '1.10', 'true'])('what would replace the resource is 400: %s', (document) => {
    expect(() => merge(document)).toThrow(expect.objectContaining({ status: 400 }));
  });
});

test('numbers keep their texts', () => {
  const before = '{"resourceType":"Basic","id":"1","a":1.10,"b":{"c":2.0},"d":[1.0]}';
  const patch = '{"a":1.100,"b":{"e":3.00},"d":[2,4.50]}';
  const after = '{"resourceType":"Basic","id":"1","a":1.100,"b":{"c":2.0,"e":3.00},"d":[2,4.50]}';
  expect(patchText('merge-patch', patch, before)).toBe(after);
});

test('done twice is done once', () => {
  const types = [...definitions.resourceTypes];
  const seed = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(fc.constantFrom(...types), seed, seed, fc.array(fc.nat()), (type, a, b, removed) => {
      const resource = { ...randomResource(definitions, type, a), id: '1', meta: base.meta };
      const { id: _, meta: __, ...rest } = randomResource(definitions, type, b);
      const names = Object.keys(rest).filter((name) => name !== 'resourceType');
      const nulls = removed.map((number) => [names[number % names.length] ?? 'language', null]);
      const patch = { ...rest, ...Object.fromEntries(nulls) };
      const once = patched('merge-patch', patch, resource);
      expect(patched('merge-patch', patch, once)).toEqual(once);
    }),
    { seed: 7396, numRuns: 300 },
  );
});
