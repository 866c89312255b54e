// Numbers and quantities of a search with their prefix and the precision they are written in:
// https://hl7.org/fhir/R4/search.html#number, https://hl7.org/fhir/R4/search.html#quantity

import { type Decimal, powerOfTen } from '../../fhir/decimal.ts';
import { canonicalQuantity } from '../canonical-quantity.ts';
import {
  absolute,
  isLess,
  justBelow,
  minus,
  orderedNumber,
  plus,
  readNumber,
  times,
  type WrittenNumber,
} from '../exact-number.ts';
import type { NumberPrefix } from '../number-range.ts';
import type { Criterion, QuantityValue } from '../search-query.ts';
import { type CriterionSource, eachValue, requireFewValues } from './criterion-source.ts';
import { splitValue, unescapeValue } from './split.ts';

/** Quantities whose unit is spelled out are lookups of their own. */
const spelledMax = 50;

export function parseNumbers(source: CriterionSource): Criterion {
  return { kind: 'number', parameter: source.parameter, values: eachValue(source, 'a number', parseNumberValue) };
}

export function parseQuantities(source: CriterionSource): Criterion {
  const wanted = 'a quantity such as 5.4, 5.4||mg or 5.4|http://unitsofmeasure.org|mg';
  const values = eachValue(source, wanted, parseQuantityValue);
  if (values.some(({ spelling }) => spelling !== undefined)) requireFewValues(source, spelledMax);
  return { kind: 'quantity', parameter: source.parameter, values };
}

/** `[prefix]number`; undefined when it is none. */
function parseNumberValue(raw: string): QuantityValue | undefined {
  const asked = readAsked(raw);
  return asked && quantityValue(asked, (value) => value, '');
}

/** `[prefix]number`, `[prefix]number|system|code` or `[prefix]number||code`. */
function parseQuantityValue(raw: string): QuantityValue | undefined {
  const [number = '', system, code, ...more] = splitValue(raw, '|').map(unescapeValue);
  const asked = readAsked(number);
  if (!asked || more.length > 0) return undefined;
  if (system === undefined) return quantityValue(asked, (value) => value, '');
  if (code === undefined || code === '') return undefined;
  if (system === '') return { ...quantityValue(asked, (value) => value, ''), spelling: code };
  const { unit } = canonicalQuantity(asked.written.value, system, code);
  return quantityValue(asked, (value) => canonicalQuantity(value, system, code).value, unit);
}

interface Asked {
  readonly prefix: NumberPrefix;
  readonly written: WrittenNumber;
}

function readAsked(raw: string): Asked | undefined {
  const [, prefix = 'eq', text = ''] = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/s.exec(raw) ?? [];
  // A plus sign that was not percent-encoded arrives as a space, and only an exponent has one.
  const written = readNumber(text.replace(/([eE]) /, '$1+'));
  return written && { prefix: prefix as NumberPrefix, written };
}

function quantityValue({ prefix, written }: Asked, convert: (value: Decimal) => Decimal, unit: string): QuantityValue {
  const { value } = written;
  if (prefix !== 'eq' && prefix !== 'ne' && prefix !== 'ap') {
    const exact = orderedNumber(convert(value));
    return { prefix, low: exact, high: exact, unit };
  }
  const half = halfPlace(written);
  const slack = prefix === 'ap' ? greater(times(absolute(value), tenth), half) : half;
  const low = orderedNumber(convert(minus(value, slack)));
  const high = orderedNumber(convert(plus(value, slack)));
  // R4: 100 is [99.5 ... 100.5), the upper end is not within.
  return { prefix, low, high: prefix === 'ap' ? high : justBelow(high), unit };
}

const tenth: Decimal = { digits: 1n, scale: 1 };

/**
 * Half of what the last digit counts. With an exponent R4's two examples agree on this: 1e2 is [95 ... 105), and 5.40e-3 is
 * 0.0054 +/- 0.00005, so one digit behind the point is meant at least, and a zero at the end adds none.
 */
function halfPlace({ fraction, exponent }: WrittenNumber): Decimal {
  if (exponent === undefined) return { digits: 5n, scale: fraction.length + 1 };
  const scale = Math.max(1, fraction.replace(/0+$/, '').length) - exponent + 1;
  return scale >= 0 ? { digits: 5n, scale } : { digits: 5n * powerOfTen(-scale), scale: 0 };
}

function greater(a: Decimal, b: Decimal): Decimal {
  return isLess(a, b) ? b : a;
}
