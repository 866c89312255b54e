// JSON Patch: https://www.rfc-editor.org/rfc/rfc6902, on resources: https://hl7.org/fhir/R4/http.html#patch

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createPatch } from 'rfc6902';
import { randomResource } from '../../validation/random-resource.ts';
import { definitions, patched, patchText } from './patching.ts';

const base = { resourceType: 'Basic', id: '1', meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' } };
const patch = (operations: unknown, members: object = {}) => patched('json-patch', operations, { ...base, ...members });

describe('each operation, RFC 6902 section 4', () => {
  test.each<[string, object, object[], object]>([
    ['add a member', {}, [{ op: 'add', path: '/a', value: 1 }], { a: 1 }],
    ['add replaces a member', { a: 1 }, [{ op: 'add', path: '/a', value: 2 }], { a: 2 }],
    ['add null', {}, [{ op: 'add', path: '/a', value: null }], { a: null }],
    ['add an item', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['add behind the last', { a: [1] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2] }],
    ['add at -', { a: [1] }, [{ op: 'add', path: '/a/-', value: [2] }], { a: [1, [2]] }],
    ['remove a member', { a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
    ['remove an item', { a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    ['replace a member', { a: { b: 1 } }, [{ op: 'replace', path: '/a/b', value: [1] }], { a: { b: [1] } }],
    ['replace an item', { a: [1, 2] }, [{ op: 'replace', path: '/a/1', value: 3 }], { a: [1, 3] }],
    ['move a member', { a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
    ['move an item on', { a: [1, 2, 3] }, [{ op: 'move', from: '/a/0', path: '/a/2' }], { a: [2, 3, 1] }],
    ['move to where it is', { a: [1, 2] }, [{ op: 'move', from: '/a', path: '/a' }], { a: [1, 2] }],
    ['copy', { a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }], { a: [1], b: [1] }],
    ['test', { a: { b: [1, 'x'] } }, [{ op: 'test', path: '/a', value: { b: [1, 'x'] } }], { a: { b: [1, 'x'] } }],
    ['test null', { a: null }, [{ op: 'test', path: '/a', value: null }], { a: null }],
    ['escapes', { 'a/b': 1, 'm~n': 2 }, [{ op: 'move', from: '/a~1b', path: '/m~0n' }], { 'm~n': 1 }],
    ['the empty name', { '': 1 }, [{ op: 'replace', path: '/', value: 2 }], { '': 2 }],
    ['~01 is ~1', { '~1': 1 }, [{ op: 'remove', path: '/~01' }], {}],
    [
      'the whole, as far as it stays this resource',
      { a: 1 },
      [{ op: 'replace', path: '', value: { ...base, b: 2 } }],
      { b: 2 },
    ],
    ['members beyond RFC 6902 mean nothing', {}, [{ op: 'add', path: '/a', value: 1, x: 2 }], { a: 1 }],
  ])('%s', (_, before, operations, after) => {
    expect(patch(operations, before)).toEqual({ ...base, ...after });
  });

  test('a copy is one: what happens to it later leaves the other as it was', () => {
    const operations = [
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'add', path: '/b/0/x', value: 1 },
    ];
    expect(patch(operations, { a: [{}] })).toEqual({ ...base, a: [{}], b: [{ x: 1 }] });
  });

  test('a list whose last item was removed goes, for FHIR has no empty lists; one that was filled again stays', () => {
    const empty = [{ op: 'remove', path: '/a/0' }];
    expect(patch(empty, { a: [1] })).toEqual(base);
    expect(patch([...empty, { op: 'test', path: '/a', value: [] }], { a: [1] })).toEqual(base);
    expect(patch([...empty, { op: 'add', path: '/a/-', value: 2 }], { a: [1] })).toEqual({ ...base, a: [2] });
  });
});

describe('what cannot be done is 422 and says which operation and why', () => {
  const nowhere = 'there is nothing at its path';
  test.each<[object, string]>([
    [{ op: 'remove', path: '/b' }, nowhere],
    [{ op: 'replace', path: '/b', value: 1 }, nowhere],
    [{ op: 'add', path: '/b/c', value: 1 }, nowhere],
    [{ op: 'copy', from: '/b', path: '/c' }, nowhere],
    [{ op: 'move', from: '/a/9', path: '/c' }, nowhere],
    [{ op: 'test', path: '/b', value: 1 }, nowhere],
    [{ op: 'remove', path: '/a/4294967296' }, nowhere],
    [{ op: 'remove', path: "/name/0'||(...)" }, nowhere],
    [{ op: 'remove', path: '/toString' }, nowhere],
    [{ op: 'add', path: '/a/3', value: 1 }, 'its index is beyond the end of the list'],
    [{ op: 'copy', from: '/a/0', path: '/a/99' }, 'its index is beyond the end of the list'],
    [{ op: 'remove', path: '/a/-' }, 'an index in its path is no whole number'],
    [{ op: 'replace', path: '/a/-', value: 1 }, 'an index in its path is no whole number'],
    [{ op: 'remove', path: '/a/length' }, 'an index in its path is no whole number'],
    [{ op: 'remove', path: '/a/01' }, 'an index in its path is no whole number'],
    [{ op: 'add', path: '/a/1e0', value: 1 }, 'an index in its path is no whole number'],
    [{ op: 'add', path: '/t/x', value: 1 }, 'its path leads through a value that has no members'],
    [{ op: 'move', from: '/o', path: '/o/p' }, 'it moves an element into itself'],
    [{ op: 'test', path: '/a', value: [1, 2, 3] }, 'the value is another one'],
    [{ op: 'test', path: '/a/0', value: '1' }, 'the value is another one'],
    [{ op: 'remove', path: '/id' }, 'the server owns id'],
    [{ op: 'replace', path: '/resourceType', value: 'Patient' }, 'the server owns resourceType'],
    [{ op: 'move', from: '/id', path: '/x' }, 'the server owns id'],
    [{ op: 'remove', path: '' }, 'the server owns resourceType, id, meta.versionId, meta.lastUpdated'],
    [{ op: 'add', path: '/meta', value: { versionId: '9' } }, 'the server owns meta.versionId, meta.lastUpdated'],
    [{ op: 'add', path: '/meta/versionId', value: '2' }, 'the server owns meta.versionId'],
    [{ op: 'copy', from: '/a', path: '/meta/lastUpdated' }, 'the server owns meta.lastUpdated'],
    [{ op: 'remove', path: 'a' }, 'its path or from is no JSON Pointer to an element (RFC 6901)'],
    [{ op: 'remove', path: '~0~1' }, 'its path or from is no JSON Pointer to an element (RFC 6901)'],
    [{ op: 'remove', path: '/a~2' }, 'its path or from is no JSON Pointer to an element (RFC 6901)'],
    [{ op: 'add', path: '/__proto__/x', value: 1 }, 'its path or from is no JSON Pointer to an element (RFC 6901)'],
    [{ op: 'copy', from: '/constructor', path: '/x' }, 'its path or from is no JSON Pointer to an element (RFC 6901)'],
  ])('%j', (operation, reason) => {
    const operations = [{ op: 'test', path: '/id', value: '1' }, operation];
    const { op } = operation as { op: string };
    expect(() => patch(operations, { a: [1, 2], o: {}, t: 'text' })).toThrow(
      expect.objectContaining({ status: 422, message: `Operation 1 of the patch (${op}) cannot be done: ${reason}.` }),
    );
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test.each<[unknown]>([
    [{}],
    ['add'],
    [[null]],
    [[{}]],
    [[{ op: 'add', path: '/a' }]],
    [[{ op: 'replace', path: '/a' }]],
    [[{ op: 'test', path: '/a' }]],
    [[{ op: 'move', path: '/a' }]],
    [[{ op: 'copy', path: '/a', from: 1 }]],
    [[{ op: 'become', path: '/a' }]],
    [[{ op: 'toString', path: '/a' }]],
    [[{ op: 'remove', path: ['a'] }]],
    [Array(1_001).fill({ op: 'test', path: '/id', value: '1' })],
  ])('what is no JSON Patch is 400: %j', (document) => {
    expect(() => patch(JSON.stringify(document))).toThrow(expect.objectContaining({ status: 400 }));
  });

  test('copies that double a list, or put it into itself, are stopped', () => {
    const members = { a: [{ x: 'y' }] };
    const doubling = Array(1_000).fill({ op: 'copy', from: '/a', path: '/a/-' });
    expect(() => patch(doubling, members)).toThrow('copies and moves too much');
    const nesting = Array(1_000).fill({ op: 'copy', from: '/a', path: '/a/0/a' });
    expect(() => patch(nesting, members)).toThrow('nests elements too deep');
    const growing = Array.from({ length: 200 }, () => [
      { op: 'add', path: '/b', value: {} },
      { op: 'move', from: '/a', path: '/b/a' },
      { op: 'move', from: '/b', path: '/a' },
    ]).flat();
    expect(() => patch(growing, members)).toThrow('nests elements too deep');
  });
});

describe('numbers keep their texts', () => {
  const text = `{"resourceType":"Basic","id":"1","a":[1.10,2.0,3],"b":{"c":1e2}}`;
  test.each<[string, string]>([
    ['[]', '"a":[1.10,2.0,3],"b":{"c":1e2}'],
    ['[{"op":"remove","path":"/a/0"}]', '"a":[2.0,3],"b":{"c":1e2}'],
    ['[{"op":"move","from":"/b/c","path":"/a/0"}]', '"a":[1e2,1.10,2.0,3],"b":{}'],
    ['[{"op":"copy","from":"/a","path":"/b/c"}]', '"a":[1.10,2.0,3],"b":{"c":[1.10,2.0,3]}'],
    ['[{"op":"add","path":"/a/-","value":{"x":4.50}}]', '"a":[1.10,2.0,3,{"x":4.50}],"b":{"c":1e2}'],
    ['[{"op":"replace","path":"/a","value":7.00}]', '"a":7.00,"b":{"c":1e2}'],
    ['[{"op":"replace","path":"/a/0","value":1.1}]', '"a":[1.1,2.0,3],"b":{"c":1e2}'],
    ['[{"op":"test","path":"/a","value":[1.1,2,3.0]}]', '"a":[1.10,2.0,3],"b":{"c":1e2}'],
  ])('%s', (operations, members) => {
    expect(patchText('json-patch', operations, text)).toBe(`{"resourceType":"Basic","id":"1",${members}}`);
  });
});

test('what differs between two resources, as a JSON Patch, leads from one to the other', () => {
  const types = [...definitions.resourceTypes];
  const seed = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(fc.constantFrom(...types), seed, seed, (type, a, b) => {
      const [from, to] = [a, b].map((one) => {
        const { id: _, meta: __, ...rest } = randomResource(definitions, type, one);
        return { ...rest, id: '1' };
      });
      expect(patched('json-patch', createPatch(from, to), from)).toEqual(to);
    }),
    { seed: 6902, numRuns: 300 },
  );
});
