// Quantity parameters: https://hl7.org/fhir/R4/search.html#quantity

import { type Asked, type Members, membersOf } from './asked.ts';
import { type AskedNumber, askedNumber, type Exact, type ExactRange, exactOf, passes } from './number.ts';
import { splitAt, withoutEscapes } from './split.ts';

export function matchesQuantity({ modifier, raw, values }: Asked): boolean {
  if (modifier !== undefined) throw new Error(`No reading of the quantity modifier ${modifier}`);
  const [number = '', system, code] = splitAt(raw, '|').map(withoutEscapes);
  const asked = { number: askedNumber(number), system, code };
  return values.some((value) => isAsked(measured(membersOf(value)), asked));
}

interface AskedQuantity {
  readonly number: AskedNumber;
  readonly system: string | undefined;
  readonly code: string | undefined;
}

/** What is stored, in its own unit. */
interface Measured extends ExactRange {
  readonly unit: Members;
}

/**
 * "If the resource element is a Range, a Period, or a Timing, then the target is explicitly a range"; of SampledData "just search on
 * the bounds of the values"; a comparator says that "the actual value is less than the given value".
 */
function measured(value: Members): Measured | undefined {
  if ('low' in value || 'high' in value) {
    const [low, high] = [membersOf(value.low), membersOf(value.high)];
    return { low: endOf(low.value), high: endOf(high.value), unit: low.value === undefined ? high : low };
  }
  if ('origin' in value) return measuredSamples(value);
  const number = endOf(value.value);
  if (number === undefined) return undefined;
  switch (value.comparator) {
    case '<':
      return { low: undefined, high: number - 1n, unit: value };
    case '<=':
      return { low: undefined, high: number, unit: value };
    case '>':
      return { low: number + 1n, high: undefined, unit: value };
    case '>=':
      return { low: number, high: undefined, unit: value };
    default:
      return { low: number, high: number, unit: value };
  }
}

function measuredSamples({ origin, data }: Members): Measured {
  const unit = membersOf(origin);
  const start = exactOf(unit.value as number);
  const samples = String(data).split(' ').map(Number);
  return { low: start + exactOf(Math.min(...samples)), high: start + exactOf(Math.max(...samples)), unit };
}

function endOf(value: unknown): Exact | undefined {
  return typeof value === 'number' ? exactOf(value) : undefined;
}

function isAsked(own: Measured | undefined, asked: AskedQuantity): boolean {
  if (!own || !isUnit(own.unit, asked)) return false;
  const { number, system, code } = asked;
  const isConverted = system === ucum && code !== undefined && code !== '';
  const [ownFactor, factor] = isConverted ? [factorOf(String(own.unit.code)), factorOf(code)] : [1n, 1n];
  const times = (end: Exact | undefined) => (end === undefined ? undefined : end * ownFactor);
  const wanted = { ...number, value: number.value * factor, half: number.half * factor };
  return passes({ low: times(own.low), high: times(own.high) }, wanted);
}

/** Below every number. */
const open = -(10n ** 100n);

/**
 * Where a quantity stands among others, whatever their units: R4 leaves it to the server, which takes its number in UCUM's base
 * units (gram, second), or as it is where there is none. A range, like `<5`, stands where it begins.
 */
export function placeOfQuantity(value: unknown): bigint | undefined {
  const own = measured(membersOf(value));
  if (!own) return undefined;
  if (own.low === undefined) return open;
  const unit = own.unit.system === ucum ? units[String(own.unit.code)] : undefined;
  return own.low * (unit?.factor ?? 1n) * (unit?.dimension === 'mass' ? 1n : smallestOfGram);
}

/** The factors of masses are multiples of a microgram. */
const smallestOfGram = 1_000_000n;

/**
 * "[prefix][number]|[system]|[code]: matches a quantity by value, system and code; [number]: irrespective of the unit;
 * [number]||[code]: where the unit - either the code (code) or the stated human unit (unit) - is the one asked". "The search
 * processor may choose to perform a search based on canonical units": UCUM units of one dimension are converted.
 */
function isUnit(own: Members, { system, code }: AskedQuantity): boolean {
  if (system === undefined && code === undefined) return true;
  if (!system) return own.code === code || own.unit === code;
  if (own.system !== system) return false;
  if (!code || own.code === code) return true;
  const [one, other] = [units[String(own.code)], units[code]];
  return system === ucum && one !== undefined && other !== undefined && one.dimension === other.dimension;
}

const ucum = 'http://unitsofmeasure.org';

function factorOf(code: string): bigint {
  return units[code]?.factor ?? 1n;
}

/** Whole multiples of the smallest unit of a dimension, for the units of the test's resources: https://ucum.org/ucum */
const units: Readonly<Record<string, { readonly dimension: string; readonly factor: bigint }>> = {
  ug: { dimension: 'mass', factor: 1n },
  mg: { dimension: 'mass', factor: 1_000n },
  g: { dimension: 'mass', factor: 1_000_000n },
  kg: { dimension: 'mass', factor: 1_000_000_000n },
  s: { dimension: 'time', factor: 1n },
  min: { dimension: 'time', factor: 60n },
  h: { dimension: 'time', factor: 3_600n },
  d: { dimension: 'time', factor: 86_400n },
  wk: { dimension: 'time', factor: 604_800n },
  // The Gregorian mean year of 365.2425 days would be 31,556,952 s; UCUM's `a` is the Julian one.
  mo: { dimension: 'time', factor: 2_629_800n },
  a: { dimension: 'time', factor: 31_557_600n },
};
