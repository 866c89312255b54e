// Equality, membership and three-valued logic on collections: https://hl7.org/fhirpath/N1/#operations

import type { BinaryOperator } from './syntax.ts';

export type Collection = readonly unknown[];

/** Told of every value that is looked at, and throws when there were too many. */
export type Spend = (count: number) => void;

type Decide = (left: Collection, right: Collection, spend: Spend) => unknown[];

/** An empty collection is neither true nor false: https://hl7.org/fhirpath/N1/#boolean-logic */
export const deciders: Readonly<Record<Exclude<BinaryOperator, '|'>, Decide>> = {
  and: conjunction,
  or: disjunction,
  xor: (left, right) => {
    const [a, b] = [truthOf(left), truthOf(right)];
    return a === undefined || b === undefined ? [] : [a !== b];
  },
  implies: (left, right) => disjunction(negation(left), right),
  '=': (left, right, spend) => equality(left, right, true, spend),
  '!=': (left, right, spend) => equality(left, right, false, spend),
  '~': (left, right, spend) => [areEquivalent(left, right, spend)],
  '!~': (left, right, spend) => [!areEquivalent(left, right, spend)],
  in: (left, right, spend) => membership(left, right, spend),
  contains: (left, right, spend) => membership(right, left, spend),
};

export function isTrue(values: Collection): boolean {
  return truthOf(values) === true;
}

export function negation(values: Collection): unknown[] {
  const truth = truthOf(values);
  return truth === undefined ? [] : [!truth];
}

function truthOf(values: Collection): boolean | undefined {
  const [value] = values;
  return values.length === 1 && typeof value === 'boolean' ? value : undefined;
}

function conjunction(left: Collection, right: Collection): unknown[] {
  const [a, b] = [truthOf(left), truthOf(right)];
  if (a === false || b === false) return [false];
  return a && b ? [true] : [];
}

function disjunction(left: Collection, right: Collection): unknown[] {
  const [a, b] = [truthOf(left), truthOf(right)];
  if (a || b) return [true];
  return a === false && b === false ? [false] : [];
}

function equality(left: Collection, right: Collection, whenEqual: boolean, spend: Spend): unknown[] {
  if (left.length === 0 || right.length === 0) return [];
  const equal = left.length === right.length && left.every((value, index) => isSame(value, right[index], spend));
  return [equal === whenEqual];
}

/** https://hl7.org/fhirpath/N1/#in-membership: one value, or nothing follows. */
function membership(one: Collection, list: Collection, spend: Spend): unknown[] {
  if (one.length !== 1) return [];
  return [list.some((value) => isSame(value, one[0], spend))];
}

/** In any order, and texts without regard to case and width of space: https://hl7.org/fhirpath/N1/#equivalent */
function areEquivalent(left: Collection, right: Collection, spend: Spend): boolean {
  if (left.length !== right.length) return false;
  const rest = right.map((value) => folded(value, spend));
  return left.every((item) => {
    const value = folded(item, spend);
    const found = rest.findIndex((candidate) => isSame(value, candidate, spend));
    if (found >= 0) rest.splice(found, 1);
    return found >= 0;
  });
}

function folded(value: unknown, spend: Spend): unknown {
  if (typeof value !== 'string') return value;
  spend(value.length);
  return value.trim().replace(/\s+/g, ' ').toLowerCase();
}

/** A number that keeps its text is an object whose `valueOf` is the number. */
function isSame(left: unknown, right: unknown, spend: Spend): boolean {
  spend(1);
  if (left === right) return true;
  if (typeof left !== 'object' && typeof right !== 'object') return false;
  const [a, b] = [left?.valueOf(), right?.valueOf()];
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key], spend));
}
