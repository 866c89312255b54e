// Functions that say something of a whole collection's values: https://hl7.org/fhirpath/N1/#existence

import { negation } from '../operators.ts';
import { type Collection, DistinctValues, type Spend } from '../system/equality.ts';
import { parseTemporal } from '../system/temporal.ts';
import type { ValueFunction } from './value-function.ts';

export const collectionFunctions: ReadonlyMap<string, ValueFunction> = new Map<string, ValueFunction>([
  ['not', plain((values) => negation(values))],
  ['allTrue', plain((values) => [values.every((value) => value === true)])],
  ['anyTrue', plain((values) => [values.some((value) => value === true)])],
  ['allFalse', plain((values) => [values.every((value) => value === false)])],
  ['anyFalse', plain((values) => [values.some((value) => value === false)])],
  ['isDistinct', { arity: [0, 0], run: (values, _, { spend }) => [areDistinct(values, spend)] }],
  ['subsetOf', { arity: [1, 1], run: (values, [of = []], { spend }) => [isSubset(values, of, spend)] }],
  ['supersetOf', { arity: [1, 1], run: (values, [of = []], { spend }) => [isSubset(of, values, spend)] }],
  ['now', { arity: [0, 0], run: (_, __, { now }) => [parseTemporal(now.toISOString())] }],
  ['today', { arity: [0, 0], run: (_, __, { now }) => [parseTemporal(now.toISOString().slice(0, 10))] }],
  ['timeOfDay', { arity: [0, 0], run: (_, __, { now }) => [parseTemporal(now.toISOString().slice(10, 23))] }],
]);

function plain(run: (values: Collection) => unknown[]): ValueFunction {
  return { arity: [0, 0], run };
}

function areDistinct(values: Collection, spend: Spend): boolean {
  const met = new DistinctValues(spend);
  return values.every((value) => met.add(value));
}

function isSubset(values: Collection, of: Collection, spend: Spend): boolean {
  const all = new DistinctValues(spend);
  for (const value of of) all.add(value);
  return values.every((value) => all.has(value));
}
