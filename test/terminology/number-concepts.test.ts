// The numbering of concepts keeps what is below each: https://hl7.org/fhir/R4/codesystem.html#hierarchy

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { numberConcepts } from '../../src/terminology/number-concepts.ts';

/** Hierarchies in which a concept may have several parents, in any order of the list. */
const hierarchies = fc
  .array(fc.array(fc.nat(1_000), { maxLength: 3 }), { minLength: 1, maxLength: 40 })
  .chain((choices) =>
    fc.tuple(fc.constant(choices), fc.shuffledSubarray([...choices.keys()], { minLength: choices.length })),
  )
  .map(([choices, place]) => {
    const parents: number[][] = choices.map(() => []);
    for (const [rank, choice] of choices.entries()) {
      const above = rank === 0 ? [] : choice.map((one) => place[one % rank] as number);
      parents[place[rank] as number] = [...new Set(above)];
    }
    return parents;
  });

/** Walks up from each concept. */
function naiveClosure(parents: readonly (readonly number[])[]): Set<number>[] {
  const below = parents.map(() => new Set<number>());
  for (const position of parents.keys()) {
    const waiting = [position];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (below[next]?.has(position)) continue;
      below[next]?.add(position);
      waiting.push(...(parents[next] as readonly number[]));
    }
  }
  return below;
}

function within(spans: readonly number[]): number[] {
  const ids: number[] = [];
  for (let at = 0; at < spans.length; at += 2) {
    for (let id = spans[at] as number; id <= (spans[at + 1] as number); id++) ids.push(id);
  }
  return ids;
}

describe('the spans of a concept', () => {
  test('hold what the naive transitive closure holds, ascending and apart', () => {
    fc.assert(
      fc.property(hierarchies, (parents) => {
        const { order, below } = numberConcepts(parents);
        expect([...order].sort((a, b) => a - b)).toEqual([...parents.keys()]);
        const expected = naiveClosure(parents);
        for (const [id, position] of order.entries()) {
          const spans = below[id] as readonly number[];
          expect(new Set(within(spans).map((one) => order[one]))).toEqual(expected[position]);
          for (let at = 2; at < spans.length; at += 2) expect(spans[at]).toBeGreaterThan((spans[at - 1] as number) + 1);
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test('are one in a tree, whose concepts keep the order they are listed in', () => {
    const { order, below } = numberConcepts([[], [0], [1], [0], []]);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(below).toEqual([
      [0, 3],
      [1, 2],
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
  });

  test.each([
    ['of first parents', [[1], [0]]],
    ['of further parents', [[], [0, 2], [1]]],
    ['of one with itself', [[0]]],
  ])('are refused for a circle %s', (_, parents) => {
    expect(() => numberConcepts(parents)).toThrow('circle');
  });

  test('are refused where there would be too many: parents at random', () => {
    const { random } = fc
      .sample(fc.array(fc.nat(), { minLength: 60_000, maxLength: 60_000 }), { seed: 1, numRuns: 1 })
      .map((numbers) => ({ random: (at: number, below: number) => (numbers[at] as number) % below }))[0] as {
      random: (at: number, below: number) => number;
    };
    const layered = Array.from({ length: 3_000 }, (_, at) =>
      at < 300 ? [] : Array.from({ length: 20 }, (_, n) => Math.floor(at / 300) * 300 - 300 + random(at * 20 + n, 300)),
    );
    expect(() => numberConcepts(layered)).toThrow('too tangled');
  });

  test('are found for hierarchies deeper than the stack', () => {
    const depth = 100_000;
    const { below } = numberConcepts(
      Array.from({ length: depth }, (_, position) => (position === 0 ? [] : [position - 1])),
    );
    expect(below[0]).toEqual([0, depth - 1]);
  });
});
