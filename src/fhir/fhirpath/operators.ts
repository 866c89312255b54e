// Equality and three-valued logic on collections: https://hl7.org/fhirpath/N1/#operations

import type { BinaryOperator } from './syntax.ts';

export type Collection = readonly unknown[];

/** An empty collection is neither true nor false: https://hl7.org/fhirpath/N1/#boolean-logic */
export const deciders: Readonly<
  Record<Exclude<BinaryOperator, '|'>, (left: Collection, right: Collection) => unknown[]>
> = {
  and: (left, right) => {
    if (isFalse(left) || isFalse(right)) return [false];
    return isTrue(left) && isTrue(right) ? [true] : [];
  },
  or: (left, right) => {
    if (isTrue(left) || isTrue(right)) return [true];
    return isFalse(left) && isFalse(right) ? [false] : [];
  },
  '=': (left, right) => compare(left, right, true),
  '!=': (left, right) => compare(left, right, false),
};

export function isTrue(values: Collection): boolean {
  return values.length === 1 && values[0] === true;
}

function isFalse(values: Collection): boolean {
  return values.length === 1 && values[0] === false;
}

function compare(left: Collection, right: Collection, whenEqual: boolean): unknown[] {
  if (left.length === 0 || right.length === 0) return [];
  const equal = left.length === right.length && left.every((value, index) => isSame(value, right[index]));
  return [equal === whenEqual];
}

function isSame(left: unknown, right: unknown): boolean {
  return left === right || (typeof left === 'object' && JSON.stringify(left) === JSON.stringify(right));
}
