// One form for all quantities that can be compared, by UCUM's own conversions: https://hl7.org/fhir/R4/search.html#quantity

import { createRequire } from 'node:module';
import type { Decimal } from '../fhir/decimal.ts';
import { decimalOf, plus, rounded, times } from './exact-number.ts';

export const ucumSystem = 'http://unitsofmeasure.org';

export interface CanonicalQuantity {
  readonly value: Decimal;
  /** `ucum g.m-3` for what UCUM converts, otherwise the unit as it is: such values compare with their like alone. */
  readonly unit: string;
}

/** The quantity in base units. */
export function canonicalQuantity(value: Decimal, system: string, code: string): CanonicalQuantity {
  const conversion = system === ucumSystem ? conversionOf(code) : undefined;
  if (!conversion) return { value, unit: `${system}|${code}` };
  const { factor, offset, isExact, unit } = conversion;
  const converted = plus(times(value, factor), offset);
  return { value: isExact ? converted : rounded(converted, roundedDigits), unit };
}

interface Conversion {
  readonly factor: Decimal;
  /** Temperatures begin elsewhere. */
  readonly offset: Decimal;
  /** False where the factor has no end, such as that of `/min`; values are then rounded, alike in every unit. */
  readonly isExact: boolean;
  readonly unit: string;
}

/** The library computes with doubles: so many digits of a factor are right, and one that needs them all has no end. */
const factorDigits = 14;
const exactDigits = 12;
const roundedDigits = 12;

/** Longer codes name no unit; the library parses them with a recursion. */
const codeLengthMax = 100;
const knownMax = 2000;
const known = new Map<string, Conversion | undefined>();

/** Undefined for what UCUM does not convert: arbitrary units such as `[iU]`, logarithms such as `[pH]`, mistakes. */
function conversionOf(code: string): Conversion | undefined {
  if (known.has(code)) return known.get(code);
  const conversion = code.length <= codeLengthMax ? askLibrary(code) : undefined;
  if (known.size >= knownMax) known.clear();
  known.set(code, conversion);
  return conversion;
}

function askLibrary(code: string): Conversion | undefined {
  const one = converted(code, 1);
  if (!one) return undefined;
  if (!one.isSpecial) return conversion(one.magnitude, 0, one.unit);
  // Of the units that no factor converts only temperatures are straight lines.
  const zero = one.unit === 'ucum K1' ? converted(code, 0) : undefined;
  return zero && conversion(one.magnitude - zero.magnitude, zero.magnitude, one.unit);
}

function conversion(slope: number, start: number, unit: string): Conversion | undefined {
  const [factor, offset] = [significant(slope), significant(start)];
  const [scale, begin] = [decimalOf(factor), decimalOf(offset)];
  if (!scale || !begin || scale.digits === 0n) return undefined;
  const isExact = [factor, offset].every((text) => digitCount(text) <= exactDigits);
  return { factor: scale, offset: begin, isExact, unit };
}

function significant(number: number): string {
  return String(Number(number.toPrecision(factorDigits)));
}

function digitCount(text: string): number {
  return text.replace(/e.*$/, '').replace(/[-.]/g, '').replace(/^0+/, '').length;
}

interface BaseUnits {
  readonly magnitude: number;
  readonly isSpecial: boolean;
  readonly unit: string;
}

function converted(code: string, value: number): BaseUnits | undefined {
  const { status, magnitude, unitToExp, fromUnitIsSpecial } = silently(() => library().convertToBaseUnits(code, value));
  if (status !== 'succeeded' || magnitude === undefined || !Number.isFinite(magnitude)) return undefined;
  const powers = Object.entries(unitToExp ?? {}).map(([base, exponent]) => `${base}${exponent}`);
  return { magnitude, isSpecial: fromUnitIsSpecial === true, unit: `ucum ${powers.sort().join('.') || '1'}` };
}

/** The library prints codes that it stumbles over, and anything can be in their place: none of it may get into a log. */
function silently<T>(work: () => T): T {
  const { log } = console;
  console.log = () => undefined;
  try {
    return work();
  } finally {
    console.log = log;
  }
}

/** The part of the library's interface that is used; it brings no types. */
interface UcumLibrary {
  convertToBaseUnits(
    fromUnit: string,
    fromValue: number,
  ): {
    readonly status: string;
    readonly magnitude?: number;
    readonly unitToExp?: Readonly<Record<string, number>>;
    readonly fromUnitIsSpecial?: boolean;
  };
}

let loaded: UcumLibrary | undefined;

/** At the first quantity, for it takes 40 ms and 12 MB to build its tables. */
function library(): UcumLibrary {
  if (loaded) return loaded;
  const { UcumLhcUtils } = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as {
    readonly UcumLhcUtils: { getInstance(): UcumLibrary };
  };
  loaded = UcumLhcUtils.getInstance();
  return loaded;
}
