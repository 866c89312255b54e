// Equality, membership, order and three-valued logic on collections: https://hl7.org/fhirpath/N1/#operations

import { NotSingle } from './functions.ts';
import type { BinaryOperator } from './syntax.ts';
import { compute } from './system/arithmetic.ts';
import { areEqual, areEquivalentLists, type Collection, compareValues, type Spend } from './system/equality.ts';

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
  '=': (left, right, spend) => truths(areEqualLists(left, right, spend)),
  '!=': (left, right, spend) => negation(truths(areEqualLists(left, right, spend))),
  '~': (left, right, spend) => [areEquivalentLists(left, right, spend)],
  '!~': (left, right, spend) => [!areEquivalentLists(left, right, spend)],
  in: (left, right, spend) => membership(left, right, spend),
  contains: (left, right, spend) => membership(right, left, spend),
  '<': ordered((order) => order < 0),
  '>': ordered((order) => order > 0),
  '<=': ordered((order) => order <= 0),
  '>=': ordered((order) => order >= 0),
  '+': computed('+'),
  '-': computed('-'),
  '*': computed('*'),
  '/': computed('/'),
  div: computed('div'),
  mod: computed('mod'),
  '&': computed('&'),
};

/** The operators that ask for the types of what they compare, or make new values. */
export const typedOperators: ReadonlySet<BinaryOperator> = new Set([
  ...(['<', '>', '<=', '>=', '+', '-', '*', '/', 'div', 'mod', '&'] as const),
]);

export function isTrue(values: Collection): boolean {
  return truthOf(values) === true;
}

export function negation(values: Collection): unknown[] {
  const truth = truthOf(values);
  return truth === undefined ? [] : [!truth];
}

/** A single value that is no boolean is true, for it is there. */
export function truthOf(values: Collection): boolean | undefined {
  if (values.length !== 1) return undefined;
  return typeof values[0] === 'boolean' ? values[0] : true;
}

/** Undefined when empty. */
export function single(values: Collection, what: string): unknown {
  if (values.length > 1) throw new NotSingle(`${what} finds more than one element`);
  return values[0];
}

function truths(truth: boolean | undefined): boolean[] {
  return truth === undefined ? [] : [truth];
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

/** Undefined for an empty side, and where a pair of values is neither equal nor unequal. */
function areEqualLists(left: Collection, right: Collection, spend: Spend): boolean | undefined {
  if (left.length === 0 || right.length === 0) return undefined;
  if (left.length !== right.length) return false;
  let isUnknown = false;
  for (const [index, value] of left.entries()) {
    const equal = areEqual(value, right[index], spend);
    if (equal === false) return false;
    if (equal === undefined) isUnknown = true;
  }
  return isUnknown ? undefined : true;
}

/** https://hl7.org/fhirpath/N1/#in-membership: one value, or nothing follows. */
function membership(one: Collection, list: Collection, spend: Spend): unknown[] {
  if (one.length !== 1) return [];
  return [list.some((value) => areEqual(value, one[0], spend) === true)];
}

function ordered(holds: (order: number) => boolean): Decide {
  return (left, right) => {
    const [a, b] = [single(left, 'a comparison'), single(right, 'a comparison')];
    const order = a === undefined || b === undefined ? undefined : compareValues(a, b);
    return order === undefined ? [] : [holds(order)];
  };
}

function computed(operator: '+' | '-' | '*' | '/' | 'div' | 'mod' | '&'): Decide {
  return (left, right, spend) => {
    const result = compute(operator, single(left, operator), single(right, operator));
    if (typeof result === 'string') spend(result.length);
    return result === undefined ? [] : [result];
  };
}
