// Numbers and quantities as ranges, once as they are and once in base units, and the spellings of their units:
// https://hl7.org/fhir/R4/search.html#quantity

import type { Decimal } from '../../fhir/decimal.ts';
import { canonicalQuantity } from '../canonical-quantity.ts';
import {
  decimalOf,
  greatestNumber,
  isLess,
  justAbove,
  justBelow,
  leastNumber,
  orderedNumber,
  plus,
  times,
} from '../exact-number.ts';
import type { NumberRange } from '../number-range.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import { unitText } from '../token-text.ts';
import type { EntryCollector } from './entry-collector.ts';

export interface QuantityRange extends NumberRange {
  /** Empty = as it is written, whatever the unit. */
  readonly unit: string;
}

/** The unit of a bare number, and of a quantity that is searched for by its number alone. */
export const anyUnit = '';
const currencySystem = 'urn:iso:std:iso:4217';

/** A number is a quantity without unit. */
export function extractQuantity(value: unknown, { code, key }: IndexedParameter, entries: EntryCollector): void {
  for (const { unit, low, high } of quantityRanges(value)) entries.range(code, unit, low, high);
  for (const spelling of spellingsOf(value)) entries.token(unitText(key, spelling));
}

/** One range for each unit under which the value is found. */
export function quantityRanges(value: unknown): QuantityRange[] {
  const measured = measure(value);
  if (!measured) return [];
  const { system, code } = measured;
  const ranges = [rangeOf(measured, (number) => number, anyUnit)];
  if (system === undefined || code === undefined) return ranges;
  const { unit } = canonicalQuantity(zero, system, code);
  ranges.push(rangeOf(measured, (number) => canonicalQuantity(number, system, code).value, unit));
  return ranges;
}

const zero: Decimal = { digits: 0n, scale: 0 };

interface End {
  readonly number: Decimal;
  /** True where the number itself is outside. */
  readonly isOutside?: boolean;
}

interface Measured {
  /** Absent = open. */
  readonly low?: End | undefined;
  readonly high?: End | undefined;
  readonly system?: string | undefined;
  readonly code?: string | undefined;
}

type Members = Readonly<Record<string, unknown>>;

function measure(value: unknown): Measured | undefined {
  const bare = decimalOf(value);
  if (bare) return endsOf(bare, undefined);
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Members;
  if ('origin' in members) return measureSamples(members);
  if ('low' in members || 'high' in members) return measureRange(members);
  const number = decimalOf(members.value);
  if (!number) return undefined;
  return { ...endsOf(number, members.comparator), ...unitOf(members) };
}

/** `<5` is anything below 5: https://hl7.org/fhir/R4/datatypes.html#Quantity */
function endsOf(number: Decimal, comparator: unknown): Pick<Measured, 'low' | 'high'> {
  switch (comparator) {
    case '<':
      return { high: { number, isOutside: true } };
    case '<=':
      return { high: { number } };
    case '>':
      return { low: { number, isOutside: true } };
    case '>=':
      return { low: { number } };
    default:
      return { low: { number }, high: { number } };
  }
}

/** A Range that ends before it begins breaks rng-2, and is turned round. */
function measureRange({ low, high }: Members): Measured | undefined {
  const [from, to] = [low, high].map((end) => (end ?? {}) as Members) as [Members, Members];
  const [first, last] = [decimalOf(from.value), decimalOf(to.value)];
  if (!first && !last) return undefined;
  const unit = unitOf(first ? from : to);
  if (first && last && isLess(last, first)) return { low: { number: last }, high: { number: first }, ...unit };
  return { low: first && { number: first }, high: last && { number: last }, ...unit };
}

/** https://hl7.org/fhir/R4/observation.html#search, value-quantity: "just search on the bounds of the values in sampled data" */
function measureSamples({ origin, factor, data, lowerLimit, upperLimit }: Members): Measured | undefined {
  const base = (origin ?? {}) as Members;
  const start = decimalOf(base.value);
  const bounds = typeof data === 'string' ? boundsOf(data, { L: lowerLimit, U: upperLimit }) : undefined;
  if (!start || !bounds) return undefined;
  const step = decimalOf(factor) ?? { digits: 1n, scale: 0 };
  const [low, high] = bounds.map((sample) => plus(start, times(sample, step))) as [Decimal, Decimal];
  const isTurned = isLess(high, low);
  return { low: { number: isTurned ? high : low }, high: { number: isTurned ? low : high }, ...unitOf(base) };
}

/** The least and the greatest sample; an error (`E`) is none, and those out of limits count as the limits. */
function boundsOf(data: string, limits: Members): [least: Decimal, greatest: Decimal] | undefined {
  let [least, greatest]: unknown[] = [];
  // A recording has very many, so they are compared as doubles.
  for (const sample of data.split(/\s+/)) {
    const value = Object.hasOwn(limits, sample) ? limits[sample] : sample;
    if (value === undefined || value === '' || Number.isNaN(Number(value))) continue;
    if (least === undefined || Number(value) < Number(least)) least = value;
    if (greatest === undefined || Number(value) > Number(greatest)) greatest = value;
  }
  const [first, last] = [decimalOf(least), decimalOf(greatest)];
  return first && last && [first, last];
}

function unitOf({ system, code, currency }: Members): Pick<Measured, 'system' | 'code'> {
  if (typeof currency === 'string') return { system: currencySystem, code: currency };
  return typeof system === 'string' && typeof code === 'string' ? { system, code } : {};
}

function rangeOf(
  { low, high }: Pick<Measured, 'low' | 'high'>,
  convert: (number: Decimal) => Decimal,
  unit: string,
): QuantityRange {
  if (low && low.number === high?.number) {
    const point = orderedNumber(convert(low.number));
    return { unit, low: point, high: point };
  }
  const text = ({ number, isOutside }: End, next: (ordered: string) => string) => {
    const ordered = orderedNumber(convert(number));
    return isOutside ? next(ordered) : ordered;
  };
  return { unit, low: low ? text(low, justAbove) : leastNumber, high: high ? text(high, justBelow) : greatestNumber };
}

/** By code or as people read it, for `5.4||mg`. */
export function spellingsOf(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  const { code, unit, currency, low, high, origin } = value as Members;
  const own = [code, unit, currency].filter((spelling) => typeof spelling === 'string');
  return new Set([...own, ...[low ?? high, origin].flatMap((part) => [...spellingsOf(part)])]);
}
