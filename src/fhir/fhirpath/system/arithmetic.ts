// What `+ - * / div mod &` say of two values: https://hl7.org/fhirpath/N1/#math

import { DecimalNumber } from './decimal-number.ts';
import { calendarUnitOf, SystemQuantity } from './quantity.ts';
import { addToTemporal, Temporal } from './temporal.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | 'div' | 'mod' | '&';

/** Undefined, which is empty, for what cannot be computed: an overflow, a division by zero, values that do not go together. */
export function compute(operator: ArithmeticOperator, left: unknown, right: unknown): unknown {
  if (operator === '&') return `${left ?? ''}${right ?? ''}`;
  if (left === undefined || right === undefined) return undefined;
  if (typeof left === 'string' || typeof right === 'string') {
    return operator === '+' && typeof left === typeof right ? `${left}${right}` : undefined;
  }
  if (left instanceof Temporal) return moved(left, right, operator);
  if (left instanceof SystemQuantity || right instanceof SystemQuantity) return ofQuantities(operator, left, right);
  const [a, b] = [DecimalNumber.from(left), DecimalNumber.from(right)];
  return a && b ? ofNumbers(operator, a, b, typeof left === 'number' && typeof right === 'number') : undefined;
}

function ofNumbers(operator: ArithmeticOperator, a: DecimalNumber, b: DecimalNumber, areIntegers: boolean): unknown {
  if (operator === '/') return a.dividedBy(b);
  if (operator === 'div') return b.digits === 0n ? undefined : toInteger(quotient(a, b));
  const result = numberOf(operator, a, b);
  return areIntegers && result ? toInteger(result.truncated()) : result;
}

function numberOf(operator: ArithmeticOperator, a: DecimalNumber, b: DecimalNumber): DecimalNumber | undefined {
  if (operator === '+') return a.plus(b);
  if (operator === '-') return a.plus(b.negated());
  if (operator === '*') return a.times(b);
  if (b.digits === 0n) return undefined;
  const whole = b.times(new DecimalNumber(quotient(a, b), 0));
  return whole && a.plus(whole.negated());
}

/** Without the rest, towards zero. */
function quotient(a: DecimalNumber, b: DecimalNumber): bigint {
  return (a.digits * 10n ** BigInt(b.scale)) / (b.digits * 10n ** BigInt(a.scale));
}

/** N1 has 32 bits. */
export function toInteger(value: bigint): number | undefined {
  return value >= -2_147_483_648n && value <= 2_147_483_647n ? Number(value) : undefined;
}

function moved(temporal: Temporal, by: unknown, operator: ArithmeticOperator): Temporal | undefined {
  const unit = by instanceof SystemQuantity ? calendarUnitOf(by) : undefined;
  if (!(by instanceof SystemQuantity) || !unit || (operator !== '+' && operator !== '-')) return undefined;
  return addToTemporal(temporal, operator === '+' ? by.value.valueOf() : -by.value.valueOf(), unit);
}

/** Of one unit; a product or quotient needs one side without unit. */
function ofQuantities(operator: ArithmeticOperator, left: unknown, right: unknown): SystemQuantity | undefined {
  const [a, b] = [SystemQuantity.from(left), SystemQuantity.from(right)];
  if (!a || !b) return undefined;
  const isSum = operator === '+' || operator === '-';
  if (isSum ? a.unit !== b.unit : operator === 'div' || operator === 'mod') return undefined;
  const value = ofNumbers(operator, a.value, b.value, false);
  if (!(value instanceof DecimalNumber)) return undefined;
  if (isSum || b.unit === '1') return new SystemQuantity(value, a.unit, a.isCalendar);
  if (operator === '*' && a.unit === '1') return new SystemQuantity(value, b.unit, b.isCalendar);
  return operator === '/' && a.unit === b.unit ? new SystemQuantity(value, '1') : undefined;
}
