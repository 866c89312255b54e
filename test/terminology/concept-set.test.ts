// Sets of concepts and their stored bytes agree with sets of numbers.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ConceptSet } from '../../src/terminology/concept-set.ts';
import { packIds, unpackIdsInto } from '../../src/terminology/packed-ids.ts';

const size = 200;
const ids = fc.uniqueArray(fc.nat(size - 1)).map((list) => list.sort((a, b) => a - b));
const all = (set: ConceptSet) => set.slice(0, size);
const run = { seed: 11, numRuns: 300 };

test('union, intersection and difference are those of sets of numbers', () => {
  fc.assert(
    fc.property(ids, ids, (a, b) => {
      const [first, second] = [ConceptSet.of(size, a), ConceptSet.of(size, b)];
      expect(all(first.or(second))).toEqual([...new Set([...a, ...b])].sort((x, y) => x - y));
      expect(all(first.and(second))).toEqual(a.filter((id) => b.includes(id)));
      expect(all(first.without(second))).toEqual(a.filter((id) => !b.includes(id)));
      expect(first.count).toBe(a.length);
      expect(first.isEmpty).toBe(a.length === 0);
      for (const id of b) expect(first.has(id)).toBe(a.includes(id));
    }),
    run,
  );
});

test('spans are in with both ends, and pages give each number once', () => {
  fc.assert(
    fc.property(fc.nat(size - 1), fc.nat(size - 1), fc.integer({ min: 1, max: 50 }), (one, other, count) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const set = new ConceptSet(size);
      set.addSpan(low, high);
      const pages: number[] = [];
      for (let offset = 0; offset < set.count; offset += count) pages.push(...set.slice(offset, count));
      expect(pages).toEqual(Array.from({ length: high - low + 1 }, (_, index) => low + index));
    }),
    run,
  );
});

test('numbers come back from their bytes, up to a million concepts', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1_000_000)), (list) => {
      const sorted = list.sort((a, b) => a - b);
      const set = new ConceptSet(1_000_001);
      unpackIdsInto(packIds(sorted), set);
      expect(set.slice(0, 1_000_001)).toEqual(sorted);
    }),
    { ...run, numRuns: 50 },
  );
});
