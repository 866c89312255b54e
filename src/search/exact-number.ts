// Decimals of any size in exact arithmetic, and the text under which the database keeps them in order:
// https://hl7.org/fhir/R4/datatypes.html#decimal

import { type Decimal, powerOfTen } from '../fhir/decimal.ts';

/** What a client may write; the exponent is bounded as that of a double is. */
const syntax = /^(-?)(\d{1,400})(?:\.(\d{1,400}))?(?:[eE]([+-]?\d{1,3}))?$/;
const exponentMax = 400;

export interface WrittenNumber {
  readonly value: Decimal;
  /** The digits behind the point. */
  readonly fraction: string;
  /** Undefined where it has none. */
  readonly exponent: number | undefined;
}

/** Undefined for what is no decimal, or one that no measurement comes near. */
export function readNumber(text: string): WrittenNumber | undefined {
  const match = syntax.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', power] = match;
  const exponent = power === undefined ? undefined : Number(power);
  if (Math.abs(exponent ?? 0) > exponentMax) return undefined;
  const digits = BigInt(whole + fraction);
  const value = scaled(sign === '-' ? -digits : digits, fraction.length - (exponent ?? 0));
  return { value, fraction, exponent };
}

/** A number of a parsed resource, which may be a text where a double would not hold it. */
export function decimalOf(value: unknown): Decimal | undefined {
  if (typeof value === 'number' || typeof value === 'string') return readNumber(String(value))?.value;
  return undefined;
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { digits: digitsAt(a, scale) + digitsAt(b, scale), scale };
}

export function minus(a: Decimal, b: Decimal): Decimal {
  return plus(a, { ...b, digits: -b.digits });
}

export function times(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

export function absolute({ digits, scale }: Decimal): Decimal {
  return { digits: digits < 0n ? -digits : digits, scale };
}

export function isLess(a: Decimal, b: Decimal): boolean {
  return minus(a, b).digits < 0n;
}

/** Half up, to so many significant digits. */
export function rounded({ digits, scale }: Decimal, significant: number): Decimal {
  const { length } = String(digits < 0n ? -digits : digits);
  if (length <= significant) return { digits, scale };
  const unit = powerOfTen(length - significant);
  const half = digits < 0n ? -unit / 2n : unit / 2n;
  return scaled((digits + half) / unit, scale - (length - significant));
}

/** The ends of what is not bounded. */
export const leastNumber = '-';
export const greatestNumber = '~';

/** Keeps the exponent positive and of one length. */
const exponentBias = 2000;

/**
 * A text in ASCII that sorts as the number does, the same for equal numbers. PostgreSQL's own numeric would do, but its
 * comparisons are not leakproof, so under row-level security no index on it could be used; those of text are.
 */
export function orderedNumber({ digits, scale }: Decimal): string {
  if (digits === 0n) return '1';
  const significant = String(digits < 0n ? -digits : digits);
  const exponent = String(significant.length - scale + exponentBias).padStart(4, '0');
  const text = exponent + significant.replace(/0+$/, '');
  if (digits > 0n) return `2${text}`;
  // Of two negative numbers the longer is the lesser, so something greater than any digit ends them.
  return `0${text.replace(/\d/g, (digit) => String(9 - Number(digit)))}~`;
}

/** Above the number, below everything above it. */
export function justAbove(ordered: string): string {
  return `${ordered}0`;
}

/** Below the number, above everything below it. */
export function justBelow(ordered: string): string {
  if (ordered.endsWith('~')) return `${ordered.slice(0, -1)}}`;
  const last = Number(ordered.at(-1));
  return `${ordered.slice(0, -1)}${last - 1}~`;
}

function digitsAt({ digits, scale }: Decimal, wanted: number): bigint {
  return digits * powerOfTen(wanted - scale);
}

function scaled(digits: bigint, scale: number): Decimal {
  return scale < 0 ? { digits: digits * powerOfTen(-scale), scale: 0 } : { digits, scale };
}
