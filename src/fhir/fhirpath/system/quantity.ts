// Quantities and the units that can be compared without a UCUM service: https://hl7.org/fhirpath/N1/#quantity

import { DecimalNumber } from './decimal-number.ts';
import type { CalendarUnit } from './temporal.ts';

export class SystemQuantity {
  readonly value: DecimalNumber;
  /** A UCUM code, or the word of a calendar duration. */
  readonly unit: string;
  readonly isCalendar: boolean;

  constructor(value: DecimalNumber, unit: string, isCalendar = false) {
    this.value = value;
    this.unit = unit;
    this.isCalendar = isCalendar;
  }

  /** A number is a quantity of the unit 1: https://hl7.org/fhirpath/N1/#conversion */
  static from(value: unknown): SystemQuantity | undefined {
    if (value instanceof SystemQuantity) return value;
    const number = DecimalNumber.from(value);
    return number && new SystemQuantity(number, '1');
  }

  toString(): string {
    return this.isCalendar ? `${this.value} ${this.unit}` : `${this.value} '${this.unit}'`;
  }
}

/** By the words of calendar durations, also in plural. */
const calendarUnits: Readonly<Record<CalendarUnit, string>> = {
  year: 'a',
  month: 'mo',
  week: 'wk',
  day: 'd',
  hour: 'h',
  minute: 'min',
  second: 's',
  millisecond: 'ms',
};

export function isCalendarUnit(word: string): boolean {
  return Object.hasOwn(calendarUnits, singular(word));
}

function singular(word: string): string {
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

/** The word of a duration that can be added to a date; of UCUM's, seconds and below are the same as the calendar's. */
export function calendarUnitOf({ unit }: SystemQuantity): CalendarUnit | undefined {
  if (isCalendarUnit(unit)) return singular(unit) as CalendarUnit;
  const words = Object.keys(calendarUnits) as CalendarUnit[];
  return words.find((word) => calendarUnits[word] === unit && word !== 'year' && word !== 'month');
}

/** Units of one kind as multiples of its base unit: the metric ones that FHIR resources are full of, no more. */
const factors = new Map<string, readonly [base: string, factor: string]>([
  ...metric('g', { kg: '1000', g: '1', mg: '0.001', ug: '0.000001', ng: '0.000000001', '[lb_av]': '453.59237' }),
  ...metric('m', { km: '1000', m: '1', cm: '0.01', mm: '0.001', um: '0.000001', '[in_i]': '0.0254' }),
  ...metric('L', { L: '1', l: '1', dL: '0.1', dl: '0.1', mL: '0.001', ml: '0.001', uL: '0.000001' }),
  ...metric('s', { wk: '604800', d: '86400', h: '3600', min: '60', s: '1', ms: '0.001' }),
  ...metric('mo', { a: '12', mo: '1' }),
]);

function metric(base: string, units: Readonly<Record<string, string>>): [string, readonly [string, string]][] {
  return Object.entries(units).map(([unit, factor]) => [unit, [base, factor]]);
}

/** Undefined for units of which it is not known here how they compare. */
export function compareQuantities(left: SystemQuantity, right: SystemQuantity): number | undefined {
  const [a, b] = [ucumUnit(left), ucumUnit(right)];
  if (a === b) return left.value.compare(right.value);
  const [one, other] = [inBaseUnit(left.value, a), inBaseUnit(right.value, b)];
  return one && other && one.base === other.base ? one.value.compare(other.value) : undefined;
}

/** To the precision of the less precise, in the larger of the two units: https://hl7.org/fhirpath/N1/#equivalent */
export function areEquivalentQuantities(left: SystemQuantity, right: SystemQuantity): boolean {
  const [a, b] = [ucumUnit(left), ucumUnit(right)];
  if (a === b) return areEquivalentNumbers(left.value, right.value);
  const [one, other] = [factors.get(a), factors.get(b)];
  if (!one || !other || one[0] !== other[0]) return false;
  const isLarger = Number(one[1]) >= Number(other[1]);
  const [large, small] = isLarger ? [left, right] : [right, left];
  const [largeFactor, smallFactor] = isLarger ? [one[1], other[1]] : [other[1], one[1]];
  const converted = small.value.times(numberOf(smallFactor))?.dividedBy(numberOf(largeFactor));
  return converted !== undefined && areEquivalentNumbers(large.value, converted);
}

export function areEquivalentNumbers(left: DecimalNumber, right: DecimalNumber): boolean {
  const places = Math.min(left.scale, right.scale);
  return left.rounded(places).compare(right.rounded(places)) === 0;
}

function numberOf(text: string): DecimalNumber {
  return DecimalNumber.parse(text) ?? DecimalNumber.zero;
}

function inBaseUnit(value: DecimalNumber, unit: string) {
  const [base, factor] = factors.get(unit) ?? [];
  const converted = factor === undefined ? undefined : value.times(numberOf(factor));
  return base !== undefined && converted ? { base, value: converted } : undefined;
}

/** A calendar year is no UCUM year of 365.25 days; from weeks on they are the same: https://hl7.org/fhirpath/N1/#time-valued-quantities */
function ucumUnit({ unit, isCalendar }: SystemQuantity): string {
  return isCalendar ? calendarUnits[singular(unit) as CalendarUnit] : unit;
}

/** Whether `=` may say more than "unknown": a calendar year or month is only equivalent to UCUM's. */
export function areComparable(left: SystemQuantity, right: SystemQuantity): boolean {
  const isVague = ({ unit, isCalendar }: SystemQuantity) => isCalendar && /^(?:year|month)s?$/.test(unit);
  return left.isCalendar === right.isCalendar || (!isVague(left) && !isVague(right));
}

const syntax = /^([+-]?\d{1,28}(?:\.\d{1,28})?)(?:\s+(?:'([^']{1,100})'|([a-z]+)))?$/;

/** https://hl7.org/fhirpath/N1/#toquantityunit-string-quantity */
export function parseQuantity(text: string): SystemQuantity | undefined {
  const match = syntax.exec(text);
  if (!match || (match[3] !== undefined && !isCalendarUnit(match[3]))) return undefined;
  const value = DecimalNumber.parse((match[1] ?? '').replace('+', ''));
  return value && new SystemQuantity(value, match[2] ?? match[3] ?? '1', match[3] !== undefined);
}
