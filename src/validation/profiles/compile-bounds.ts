// The least and the greatest value, and the length, that a profile allows: https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_

import type { Place } from '../../fhir/fhirpath/place.ts';
import { DecimalNumber } from '../../fhir/fhirpath/system/decimal-number.ts';
import { compareQuantities, SystemQuantity } from '../../fhir/fhirpath/system/quantity.ts';
import {
  addToTemporal,
  type CalendarUnit,
  compareTemporals,
  parseTemporal,
  Temporal,
} from '../../fhir/fhirpath/system/temporal.ts';
import type { ElementRules } from '../../fhir/profiles/profile-element.ts';
import { pointerOf } from './place-text.ts';
import type { PlaceCheck, Run } from './run.ts';

/** Refuses only what is certainly outside: `2020` may be later than 2020-06-01, and 5 of no unit may be anything. */
export function compileBounds(rules: ElementRules, baseline: ElementRules, where: string): PlaceCheck | undefined {
  const checks = [
    compileBound(rules, baseline, { kind: 'minValue', where }),
    compileBound(rules, baseline, { kind: 'maxValue', where }),
    compileLength(rules, baseline, where),
  ].filter((check) => check !== undefined);
  if (checks.length === 0) return undefined;
  return (place, run) => {
    for (const check of checks) check(place, run);
  };
}

interface Bounding {
  readonly kind: 'minValue' | 'maxValue';
  readonly where: string;
}

function compileBound(rules: ElementRules, baseline: ElementRules, { kind, where }: Bounding): PlaceCheck | undefined {
  const key = Object.keys(rules).find((one) => one.startsWith(kind)) as keyof ElementRules | undefined;
  const bound: unknown = key && rules[key];
  if (key === undefined || JSON.stringify(bound) === JSON.stringify(baseline[key])) return undefined;
  const isMin = kind === 'minValue';
  const text = `The value must be at ${isMin ? 'least' : 'most'} ${textOfBound(bound)} (${where}).`;
  const sign = isMin ? 1 : -1;
  return (place, run) => {
    if (isOutside(place, { bound, sign }, run)) run.add('error', 'value', { place }, text);
  };
}

interface Bound {
  readonly bound: unknown;
  /** 1 for the least value, -1 for the greatest. */
  readonly sign: 1 | -1;
}

function isOutside(place: Place, { bound, sign }: Bound, run: Run): boolean {
  run.steps.spend(1);
  const { value, type = '' } = place;
  if (typeof value === 'number' && typeof bound === 'number') {
    const order = numberAt(place, value, run)?.compare(DecimalNumber.from(bound) ?? DecimalNumber.zero);
    return order !== undefined && order * sign < 0;
  }
  if (typeof value === 'string') {
    const actual = parseTemporal(value);
    const limit = typeof bound === 'string' ? parseTemporal(bound) : relativeLimit(bound, { type, sign, actual });
    const order = actual && limit && compareTemporals(inZoneOf(actual, limit), inZoneOf(limit, actual));
    return order !== undefined && order * sign < 0;
  }
  return isNode(value) && isNode(bound) && isQuantityOutside(place, value, { bound, sign }, run);
}

/** By exact decimals, as they were written. */
function numberAt(place: Place, value: number, { exactNumbers }: Run, below = ''): DecimalNumber | undefined {
  const text = exactNumbers && exactNumbers.size > 0 ? exactNumbers.get(pointerOf(place) + below) : undefined;
  return DecimalNumber.parse(text ?? String(value));
}

/** A date without a zone is compared with the date that a dateTime itself shows. */
function inZoneOf(temporal: Temporal, other: Temporal): Temporal {
  if (other.offsetMinutes !== undefined) return temporal;
  return new Temporal(temporal.kind, temporal.text, temporal.components);
}

/** Of dates a duration before or after the present, where nobody knows the zone that of the zone that allows most. */
function relativeLimit(
  bound: unknown,
  { type, sign, actual }: { readonly type: string; readonly sign: 1 | -1; readonly actual: Temporal | undefined },
): Temporal | undefined {
  if (!isNode(bound) || typeof bound.value !== 'number' || !relativeTypes.has(type)) return undefined;
  const unit = durationUnits[String(bound.code ?? bound.unit)];
  const doubtHours = sign > 0 ? -12 : 14;
  const doubtMs = actual?.offsetMinutes === undefined ? doubtHours * 3_600_000 : 0;
  const now = parseTemporal(new Date(Date.now() + doubtMs).toISOString());
  return unit && now && addToTemporal(now, -sign * bound.value, unit);
}

const relativeTypes: ReadonlySet<string> = new Set(['date', 'dateTime', 'instant']);

/** As a person means them: a year before today is the same day of last year, not 365.25 days ago. */
const durationUnits: Readonly<Record<string, CalendarUnit>> = {
  ...{ a: 'year', mo: 'month', wk: 'week', d: 'day', h: 'hour', min: 'minute', s: 'second', ms: 'millisecond' },
};

type Node = Readonly<Record<string, unknown>>;

/** 100 mg is less than 10 g: a minimum of a Quantity is a canonical one. */
function isQuantityOutside(place: Place, value: Node, { bound, sign }: Bound & { bound: Node }, run: Run): boolean {
  if (typeof value.value !== 'number' || typeof bound.value !== 'number') return false;
  const unit = commonUnits(value, bound);
  const [number, limit] = [numberAt(place, value.value, run, '/value'), DecimalNumber.from(bound.value)];
  if (!unit || !number || !limit) return false;
  const order = compareQuantities(new SystemQuantity(number, unit.value), new SystemQuantity(limit, unit.bound));
  if (order === undefined) return false;
  const [towards, beyond] = sign > 0 ? ['<', '>'] : ['>', '<'];
  const comparator = typeof value.comparator === 'string' ? value.comparator : '';
  // `< 5` is below 5, `> 5` may be anything above.
  if (comparator.startsWith(beyond)) return false;
  return comparator === towards ? order * sign <= 0 : order * sign < 0;
}

/** Undefined where it is not known whether they are the same or can be converted. */
function commonUnits(value: Node, bound: Node): { readonly value: string; readonly bound: string } | undefined {
  if (bound.code === undefined && bound.unit === undefined) return { value: '1', bound: '1' };
  if (bound.code === undefined || value.code === undefined) {
    return value.unit !== undefined && value.unit === bound.unit ? { value: '1', bound: '1' } : undefined;
  }
  if (value.system !== bound.system) return undefined;
  const units = { value: String(value.code), bound: String(bound.code) };
  const isConverted = value.system === 'http://unitsofmeasure.org';
  return isConverted || units.value === units.bound ? units : undefined;
}

function compileLength({ maxLength }: ElementRules, baseline: ElementRules, where: string): PlaceCheck | undefined {
  if (maxLength === undefined || maxLength === baseline.maxLength) return undefined;
  return (place, run) => {
    const { value } = place;
    if (typeof value !== 'string' || value.length <= maxLength) return;
    const text = `At most ${maxLength} characters are allowed, found ${value.length} (${where}).`;
    run.add('error', 'too-long', { place }, text);
  };
}

function textOfBound(bound: unknown): string {
  if (!isNode(bound)) return String(bound);
  return [bound.value, bound.unit ?? bound.code].filter((part) => part !== undefined).join(' ');
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
