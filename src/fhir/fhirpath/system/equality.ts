// Equality, equivalence and order of values: https://hl7.org/fhirpath/N1/#equality

import { DecimalNumber } from './decimal-number.ts';
import {
  areComparable,
  areEquivalentNumbers,
  areEquivalentQuantities,
  compareQuantities,
  SystemQuantity,
} from './quantity.ts';
import { compareTemporals, haveEqualPrecision, parseTemporal, Temporal } from './temporal.ts';

export type Collection = readonly unknown[];

/** Told of every value that is looked at, and throws when there were too many. */
export type Spend = (count: number) => void;

/** Undefined where it cannot be told: dates of different precision, quantities of strange units. */
export function areEqual(left: unknown, right: unknown, spend: Spend): boolean | undefined {
  spend(1);
  if (left === right) return true;
  if (typeof left !== 'object' && typeof right !== 'object') return false;
  if (left instanceof SystemQuantity && right instanceof SystemQuantity && !areComparable(left, right))
    return undefined;
  const order = compareSpecial(left, right);
  if (order !== false) return order === undefined ? undefined : order === 0;
  // A number that keeps its text is an object whose valueOf is the number.
  const [a, b] = [left?.valueOf(), right?.valueOf()];
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return a === b;
  return haveEqualMembers(a, b, (one, other) => areEqual(one, other, spend));
}

/** False where neither is of the language's own types, which is no order. */
function compareSpecial(left: unknown, right: unknown): number | undefined | false {
  if (left instanceof Temporal || right instanceof Temporal) {
    const [a, b] = [asTemporal(left), asTemporal(right)];
    if (!a || !b) return Number.NaN;
    return (a.kind === 'time') === (b.kind === 'time') ? compareTemporals(a, b) : Number.NaN;
  }
  if (left instanceof SystemQuantity || right instanceof SystemQuantity) {
    const [a, b] = [SystemQuantity.from(left), SystemQuantity.from(right)];
    return a && b ? compareQuantities(a, b) : Number.NaN;
  }
  if (!(left instanceof DecimalNumber) && !(right instanceof DecimalNumber)) return false;
  const [a, b] = [DecimalNumber.from(left), DecimalNumber.from(right)];
  return a && b ? a.compare(b) : false;
}

function asTemporal(value: unknown): Temporal | undefined {
  if (typeof value === 'string') return parseTemporal(value);
  return value instanceof Temporal ? value : undefined;
}

function haveEqualMembers(
  left: object,
  right: object,
  areSame: (one: unknown, other: unknown) => boolean | undefined,
): boolean | undefined {
  const keys = Object.keys(left);
  if (Array.isArray(left) !== Array.isArray(right) || keys.length !== Object.keys(right).length) return false;
  const [one, other] = [left as Record<string, unknown>, right as Record<string, unknown>];
  let isUnknown = false;
  for (const key of keys) {
    const same = Object.hasOwn(other, key) ? areSame(one[key], other[key]) : false;
    if (same === false) return false;
    if (same === undefined) isUnknown = true;
  }
  return isUnknown ? undefined : true;
}

/** Texts without regard to case and width of space, numbers to the lesser precision: https://hl7.org/fhirpath/N1/#equivalent */
export function areEquivalent(left: unknown, right: unknown, spend: Spend): boolean {
  if (typeof left === 'string' && typeof right === 'string') return folded(left, spend) === folded(right, spend);
  if (left instanceof Temporal && right instanceof Temporal) {
    return haveEqualPrecision(left, right) && compareTemporals(left, right) === 0;
  }
  if (left instanceof SystemQuantity || right instanceof SystemQuantity) {
    const [a, b] = [SystemQuantity.from(left), SystemQuantity.from(right)];
    return a !== undefined && b !== undefined && areEquivalentQuantities(a, b);
  }
  const [a, b] = [DecimalNumber.from(left), DecimalNumber.from(right)];
  if (a && b) return areEquivalentNumbers(a, b);
  if (!isPlainObject(left) || !isPlainObject(right)) return areEqual(left, right, spend) === true;
  if (Array.isArray(left) && Array.isArray(right)) return areEquivalentLists(left, right, spend);
  spend(1);
  return haveEqualMembers(left, right, (one, other) => areEquivalent(one, other, spend)) === true;
}

/** In any order. */
export function areEquivalentLists(left: Collection, right: Collection, spend: Spend): boolean {
  if (left.length !== right.length) return false;
  const rest = [...right];
  return left.every((value) => {
    const found = rest.findIndex((candidate) => {
      spend(1);
      return areEquivalent(value, candidate, spend);
    });
    if (found >= 0) rest.splice(found, 1);
    return found >= 0;
  });
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && typeof value.valueOf() === 'object';
}

function folded(value: string, spend: Spend): string {
  spend(value.length);
  return value.trim().replace(/\s+/g, ' ').toLowerCase();
}

/** Below, equal or above zero; undefined where the two have no order. */
export function compareValues(left: unknown, right: unknown): number | undefined {
  const special = compareSpecial(left, right);
  if (special !== false) return Number.isNaN(special) ? undefined : special;
  const [a, b] = [left?.valueOf(), right?.valueOf()];
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== 'string' || typeof b !== 'string' || a === b) return a === b && a !== undefined ? 0 : undefined;
  return a < b ? -1 : 1;
}

/** Of values that were met; texts, numbers and booleans are found without a search. */
export class DistinctValues {
  readonly #keys = new Set<unknown>();
  readonly #others: unknown[] = [];
  readonly #spend: Spend;

  constructor(spend: Spend) {
    this.#spend = spend;
  }

  has(value: unknown): boolean {
    this.#spend(1);
    const key = keyOf(value);
    return key === undefined ? this.#isAmongOthers(value) : this.#keys.has(key);
  }

  /** False when it was there. */
  add(value: unknown): boolean {
    if (this.has(value)) return false;
    const key = keyOf(value);
    if (key === undefined) this.#others.push(value);
    else this.#keys.add(key);
    return true;
  }

  #isAmongOthers(value: unknown): boolean {
    return this.#others.some((other) => areEqual(value, other, this.#spend) === true);
  }
}

/** Equal values have equal keys; undefined for those that must be compared. No text of FHIR has a NUL. */
function keyOf(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  const number = DecimalNumber.from(value);
  if (number) return number.scale === 0 ? number.digits : `\0${number.digits} ${number.scale}`;
  return typeof value === 'number' ? value : undefined;
}
