// `near` of Location: `latitude|longitude|distance|units`: https://hl7.org/fhir/R4/location.html#search

import { formatDecimal } from '../../fhir/decimal.ts';
import { canonicalQuantity, ucumSystem } from '../canonical-quantity.ts';
import { readNumber } from '../exact-number.ts';
import { isPosition } from '../geo-cells.ts';
import type { Circle, Criterion } from '../search-query.ts';
import { type CriterionSource, eachValue, requireFewValues } from './criterion-source.ts';
import { splitValue, unescapeValue } from './split.ts';

/** R4 leaves to the server what is near when nobody says how far. */
const defaultDistance = '50';
const defaultUnits = 'km';

/** Each is looked up in hundreds of cells at most. */
const circlesMax = 20;

export function parseNear(source: CriterionSource): Criterion {
  requireFewValues(source, circlesMax);
  const wanted = 'a position such as 48.1|11.5 or 48.1|11.5|10|km';
  return { kind: 'near', parameter: source.parameter, circles: eachValue(source, wanted, parseCircle) };
}

/** Undefined when it is no position, or the units are none of length. */
function parseCircle(raw: string): Circle | undefined {
  const parts = splitValue(raw, '|').map(unescapeValue);
  const [latitude = '', longitude = '', distance = '', units = ''] = parts;
  const position = { latitude: numberOf(latitude), longitude: numberOf(longitude) };
  const radiusMeters = metersOf(distance === '' ? defaultDistance : distance, units === '' ? defaultUnits : units);
  if (parts.length > 4 || !isPosition(position) || radiusMeters === undefined) return undefined;
  return { ...position, radiusMeters };
}

function numberOf(text: string): number {
  return readNumber(text) ? Number(text) : Number.NaN;
}

function metersOf(distance: string, units: string): number | undefined {
  const written = readNumber(distance);
  if (!written || written.value.digits < 0n) return undefined;
  const { value, unit } = canonicalQuantity(written.value, ucumSystem, units);
  return unit === 'ucum m1' ? Number(formatDecimal(value)) : undefined;
}
