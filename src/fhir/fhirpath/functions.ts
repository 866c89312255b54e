// Functions that choose among the items of lists, each item kept as it is: https://hl7.org/fhirpath/N1/#subsetting

import { DistinctValues } from './system/equality.ts';
import type { Walk } from './walk.ts';

/** Thrown where several items stand in the place of one: https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections */
export class NotSingle extends Error {}

export interface ListFunction {
  readonly arity: readonly [min: number, max: number];
  readonly run: <T>(items: T[], argument: T[], walk: Walk<T>) => T[];
  /** What it gives beside items of its input. */
  readonly addsArgument?: true;
}

export const listFunctions: ReadonlyMap<string, ListFunction> = new Map<string, ListFunction>([
  ['first', { arity: [0, 0], run: (items) => items.slice(0, 1) }],
  ['last', { arity: [0, 0], run: (items) => items.slice(-1) }],
  ['tail', { arity: [0, 0], run: (items) => items.slice(1) }],
  ['single', { arity: [0, 0], run: requireSingle }],
  ['skip', { arity: [1, 1], run: (items, count, walk) => items.slice(Math.max(wholeNumber(count, walk), 0)) }],
  ['take', { arity: [1, 1], run: (items, count, walk) => items.slice(0, Math.max(wholeNumber(count, walk), 0)) }],
  ['distinct', { arity: [0, 0], run: (items, _, walk) => distinct(items, walk) }],
  ['union', { arity: [1, 1], run: (items, others, walk) => distinct(items.concat(others), walk), addsArgument: true }],
  ['combine', { arity: [1, 1], run: (items, others) => items.concat(others), addsArgument: true }],
  ['intersect', { arity: [1, 1], run: (items, others, walk) => distinct(among(items, others, walk, true), walk) }],
  ['exclude', { arity: [1, 1], run: (items, others, walk) => among(items, others, walk, false) }],
]);

function requireSingle<T>(items: T[]): T[] {
  if (items.length > 1) throw new NotSingle('single() finds more than one element');
  return items;
}

function wholeNumber<T>(argument: T[], walk: Walk<T>): number {
  const count = Number(walk.values(argument)[0]?.valueOf());
  return Number.isInteger(count) ? count : 0;
}

/** An item without a value, such as a primitive that has only extensions, is like no other. */
export function distinct<T>(items: T[], walk: Walk<T>): T[] {
  if (items.length < 2) return items;
  const met = new DistinctValues((count) => walk.spend(count));
  return items.filter((item) => {
    const values = walk.values([item]);
    return values.length === 0 || met.add(values[0]);
  });
}

function among<T>(items: T[], others: T[], walk: Walk<T>, isWanted: boolean): T[] {
  const known = new DistinctValues((count) => walk.spend(count));
  for (const value of walk.values(others)) known.add(value);
  return items.filter((item) => walk.values([item]).some((value) => known.has(value)) === isWanted);
}
