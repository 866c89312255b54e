// Number parameters, and the arithmetic of quantities: https://hl7.org/fhir/R4/search.html#number

import type { Asked } from './asked.ts';
import { type Prefix, prefixed } from './date.ts';

/** Whole numbers of 10^-24, so that nothing is rounded. */
export type Exact = bigint;

const digits = 24;

export interface ExactRange {
  /** Undefined = open. */
  readonly low: Exact | undefined;
  readonly high: Exact | undefined;
}

export interface AskedNumber {
  readonly prefix: Prefix;
  readonly value: Exact;
  /** Half of the last digit that was written. */
  readonly half: Exact;
}

export function matchesNumber({ modifier, raw, values }: Asked): boolean {
  if (modifier !== undefined) throw new Error(`No reading of the number modifier ${modifier}`);
  const asked = askedNumber(raw);
  return values.some((value) => typeof value === 'number' && passes(pointOf(value), asked));
}

/**
 * "100: values in the range [99.5 ... 100.5); 100.00: [99.995 ... 100.005); 1e2: [95 ... 105)", and for a quantity "5.40e-3: 0.0054
 * (+/-0.00005)": with an exponent one digit behind the point is meant at least, and a zero at the end adds none.
 */
export function askedNumber(raw: string): AskedNumber {
  const { prefix, text } = prefixed(raw);
  const [mantissa = '', exponent] = text.toLowerCase().split('e');
  const fraction = mantissa.split('.')[1] ?? '';
  const decimals = exponent === undefined ? fraction.length : Math.max(1, fraction.replace(/0+$/, '').length);
  return {
    prefix,
    value: exactOf(text),
    half: 5n * 10n ** BigInt(digits - 1 - decimals + Number(exponent ?? 0)),
  };
}

/** Of a decimal text or number. */
export function exactOf(number: number | string): Exact {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(String(number)) ?? [];
  const scale = digits - fraction.length + Number(exponent);
  const value = BigInt(`${whole}${fraction}`) * 10n ** BigInt(scale);
  return sign === '-' ? -value : value;
}

export function pointOf(number: number | string): ExactRange {
  const value = exactOf(number);
  return { low: value, high: value };
}

/**
 * "When a comparison prefix in the set lt, le, gt, ge, sa & eb is provided, the implicit precision of the number is ignored, and they are
 * treated as if they have arbitrarily high precision"; "=100: values that equal 100, to 3 significant figures precision, so
 * this is actually searching for values in the range [99.5 ... 100.5)"; ap: "the recommended value for the approximation is
 * 10% of the stated value", and what equals the value is approximately it. The range rules are those beside `compares` in date.ts.
 */
export function passes({ low, high }: ExactRange, { prefix, value, half }: AskedNumber): boolean {
  const isEqual = low !== undefined && high !== undefined && low >= value - half && high < value + half;
  const tenth = (value < 0n ? -value : value) / 10n;
  const slack = tenth > half ? tenth : half;
  const isExactly = low === value && high === value;
  switch (prefix) {
    case 'eq':
      return isEqual;
    case 'ne':
      return !isEqual;
    case 'gt':
      return high === undefined || high > value;
    case 'lt':
      return low === undefined || low < value;
    case 'ge':
      return high === undefined || high > value || isExactly;
    case 'le':
      return low === undefined || low < value || isExactly;
    case 'sa':
      return low !== undefined && low > value;
    case 'eb':
      return high !== undefined && high < value;
    case 'ap':
      return (low === undefined || low <= value + slack) && (high === undefined || high >= value - slack);
  }
}
