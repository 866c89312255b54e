// Functions on numbers: https://hl7.org/fhirpath/N1/#math

import { toInteger } from '../system/arithmetic.ts';
import { DecimalNumber } from '../system/decimal-number.ts';
import { SystemQuantity } from '../system/quantity.ts';
import { numberOf, ofOne, type ValueFunction } from './value-function.ts';

export const numberFunctions: ReadonlyMap<string, ValueFunction> = new Map([
  ['abs', ofOne([0, 0], absolute)],
  ['ceiling', toWhole((value) => (value.rounded(0).compare(value) < 0 ? 1n : 0n) + value.rounded(0).digits)],
  ['floor', toWhole((value) => value.rounded(0).digits - (value.rounded(0).compare(value) > 0 ? 1n : 0n))],
  ['truncate', toWhole((value) => value.truncated())],
  ['round', ofOne([0, 1], round)],
  ['exp', inFloats(0, Math.exp)],
  ['ln', inFloats(0, Math.log)],
  ['sqrt', inFloats(0, Math.sqrt)],
  ['log', inFloats(1, (value, base) => Math.log(value) / Math.log(base))],
  ['power', ofOne([1, 1], power)],
]);

function absolute(value: unknown): unknown {
  if (value instanceof SystemQuantity) {
    return new SystemQuantity(absolute(value.value) as DecimalNumber, value.unit, value.isCalendar);
  }
  if (value instanceof DecimalNumber) return value.digits < 0n ? value.negated() : value;
  return typeof value === 'number' ? Math.abs(value) : undefined;
}

function toWhole(apply: (value: DecimalNumber) => bigint): ValueFunction {
  return ofOne([0, 0], (value) => {
    const number = DecimalNumber.from(value);
    return number && toInteger(apply(number));
  });
}

function round(value: unknown, [precision]: readonly unknown[]): unknown {
  const [number, places] = [DecimalNumber.from(value), numberOf(precision) ?? 0];
  return number && places >= 0 && Number.isInteger(places) ? number.rounded(places) : undefined;
}

/** Roots, logarithms and powers are no decimals: 15 digits of them are right. */
function inFloats(argumentCount: 0 | 1, apply: (value: number, argument: number) => number): ValueFunction {
  return ofOne([argumentCount, argumentCount], (value, [argument]) => {
    const [number, other] = [numberOf(value), numberOf(argument)];
    if (number === undefined || (argumentCount === 1 && other === undefined)) return undefined;
    return toDecimal(apply(number, other ?? 0));
  });
}

/** An integer to an integer stays one. */
function power(value: unknown, [exponent]: readonly unknown[]): unknown {
  const [base, by] = [numberOf(value), numberOf(exponent)];
  if (base === undefined || by === undefined) return undefined;
  const result = base ** by;
  const areIntegers = typeof value === 'number' && typeof exponent === 'number' && by >= 0;
  return areIntegers && Number.isSafeInteger(result) ? toInteger(BigInt(result)) : toDecimal(result);
}

function toDecimal(result: number): DecimalNumber | undefined {
  return Number.isFinite(result) ? DecimalNumber.parse(String(Number(result.toPrecision(15)))) : undefined;
}
