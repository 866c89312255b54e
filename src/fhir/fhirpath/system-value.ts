// What an element is to operators and functions: FHIR's primitives become values of the language: https://hl7.org/fhir/R4/fhirpath.html#types

import type { Definitions } from '../definitions.ts';
import type { ExactTexts } from './exact-texts.ts';
import { isSpecialisation, type Place } from './place.ts';
import { DecimalNumber } from './system/decimal-number.ts';
import { SystemQuantity } from './system/quantity.ts';
import { parseTemporal, Temporal } from './system/temporal.ts';

/** Undefined where a primitive has only extensions. */
export function systemValue(place: Place, definitions: Definitions, exact: ExactTexts | undefined): unknown {
  const { value, type } = place;
  if (type === undefined || value === undefined || value === null) return value;
  if (type === 'date' || type === 'dateTime' || type === 'instant' || type === 'time') {
    return (typeof value === 'string' ? temporalOf(value, type) : undefined) ?? value;
  }
  if (type === 'decimal')
    return decimalOf(value, place.at && exact?.textOf(Object(place.at.parent.value), place.at.jsonName));
  if (place.isPrimitive || typeof value !== 'object') return value.valueOf();
  return isSpecialisation(type, 'Quantity', definitions) ? quantityOf(value, exact) : value;
}

function temporalOf(text: string, type: string): Temporal | undefined {
  const temporal = parseTemporal(text);
  if (type !== 'dateTime' && type !== 'instant') return temporal;
  return temporal && new Temporal('dateTime', temporal.text, temporal.components, temporal.offsetMinutes);
}

/** A patch keeps a number together with its text. A text that is not this number's is an old one. */
function decimalOf(value: unknown, text: string | undefined): unknown {
  const written: unknown = text ?? Object(value).text;
  const number: unknown = value?.valueOf();
  const isItsText = typeof written === 'string' && Object.is(Number(written), number);
  return (isItsText ? DecimalNumber.parse(written) : DecimalNumber.from(number)) ?? number;
}

/** With a comparator it is no quantity, and without value or unit it is only an element. */
function quantityOf(source: object, exact: ExactTexts | undefined): unknown {
  const { value, code, unit, comparator } = source as Readonly<Record<string, unknown>>;
  const number = decimalOf(value, exact?.textOf(source, 'value'));
  if (!(number instanceof DecimalNumber) || comparator !== undefined) return source;
  const name = code ?? unit ?? '1';
  return typeof name === 'string' ? new SystemQuantity(number, name) : source;
}

const systemTypes = new Map<unknown, string>([
  [DecimalNumber, 'Decimal'],
  [SystemQuantity, 'Quantity'],
]);

/** The language's own type of a computed value: https://hl7.org/fhirpath/N1/#types-and-reflection */
export function systemTypeOf(value: unknown): string | undefined {
  if (typeof value === 'boolean') return 'Boolean';
  if (typeof value === 'string') return 'String';
  if (typeof value === 'number') return Number.isInteger(value) ? 'Integer' : 'Decimal';
  if (value instanceof Temporal) return { date: 'Date', dateTime: 'DateTime', time: 'Time' }[value.kind];
  return systemTypes.get(Object(value).constructor);
}
