// Decimals that are compared and computed exactly, never as binary fractions: https://hl7.org/fhirpath/N1/#decimal

import { divideHalfUp, formatDecimal, powerOfTen } from '../../decimal.ts';

/** N1 asks for 8 places after the point; a quotient gets twice as many. */
const quotientPlaces = 16;
const digitsMax = 28;
const syntax = /^(-?)(\d{1,28})(?:\.(\d{1,28}))?(?:[eE]([+-]?\d{1,3}))?$/;

export class DecimalNumber {
  readonly digits: bigint;
  readonly scale: number;
  readonly #text: string | undefined;

  /** `text` is as it was written, with the zeros at its end. */
  constructor(digits: bigint, scale: number, text?: string) {
    this.digits = digits;
    this.scale = scale;
    this.#text = text;
  }

  static readonly zero = new DecimalNumber(0n, 0);

  /** Undefined for what is no number, or one of too many places. */
  static parse(text: string): DecimalNumber | undefined {
    const match = syntax.exec(text);
    if (!match) return undefined;
    const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
    const kept = fraction.replace(/0+$/, '');
    const scale = kept.length - Number(exponent);
    if (scale > digitsMax || whole.length + Number(exponent) > digitsMax) return undefined;
    const digits = BigInt(sign + whole + kept) * powerOfTen(Math.max(0, -scale));
    return new DecimalNumber(digits, Math.max(0, scale), text);
  }

  static from(value: unknown): DecimalNumber | undefined {
    if (value instanceof DecimalNumber) return value;
    return typeof value === 'number' ? DecimalNumber.parse(String(value)) : undefined;
  }

  valueOf(): number {
    return Number(this.toString());
  }

  toString(): string {
    return this.#text ?? formatDecimal(this);
  }

  compare(other: DecimalNumber): number {
    const [a, b] = aligned(this, other);
    if (a === b) return 0;
    return a < b ? -1 : 1;
  }

  plus(other: DecimalNumber): DecimalNumber | undefined {
    const [a, b, scale] = aligned(this, other);
    return normal(a + b, scale);
  }

  times(other: DecimalNumber): DecimalNumber | undefined {
    return normal(this.digits * other.digits, this.scale + other.scale);
  }

  /** Undefined for a division by zero. */
  dividedBy(other: DecimalNumber): DecimalNumber | undefined {
    if (other.digits === 0n) return undefined;
    const numerator = this.digits * powerOfTen(quotientPlaces + other.scale);
    return normal(divideHalfUp(numerator, other.digits * powerOfTen(this.scale)), quotientPlaces);
  }

  negated(): DecimalNumber {
    return new DecimalNumber(-this.digits, this.scale);
  }

  /** Towards zero. */
  truncated(): bigint {
    return this.digits / powerOfTen(this.scale);
  }

  /** Halves away from zero. */
  rounded(places: number): DecimalNumber {
    if (this.scale <= places) return this;
    return new DecimalNumber(divideHalfUp(this.digits, powerOfTen(this.scale - places)), places);
  }
}

function aligned(a: DecimalNumber, b: DecimalNumber): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * powerOfTen(scale - a.scale), b.digits * powerOfTen(scale - b.scale), scale];
}

/** Without zeros at the end; undefined when it overflows: https://hl7.org/fhirpath/N1/#math */
function normal(digits: bigint, scale: number): DecimalNumber | undefined {
  let [kept, places] = [digits, scale];
  while (places > 0 && (kept % 10n === 0n || places > quotientPlaces)) {
    kept = kept % 10n === 0n ? kept / 10n : divideHalfUp(kept, 10n);
    places--;
  }
  return String(kept).length > digitsMax ? undefined : new DecimalNumber(kept, places);
}
