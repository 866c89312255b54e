// Conversions between the language's types: https://hl7.org/fhirpath/N1/#conversion

import { DecimalNumber } from '../system/decimal-number.ts';
import { parseQuantity, SystemQuantity } from '../system/quantity.ts';
import { parseTemporal, Temporal } from '../system/temporal.ts';
import { numberOf, ofOne, textOf, type ValueFunction } from './value-function.ts';

type Convert = (value: unknown, argument?: unknown) => unknown;

const truthWords = new Map<string, boolean>([
  ...['true', 't', 'yes', 'y', '1', '1.0'].map((word) => [word, true] as const),
  ...['false', 'f', 'no', 'n', '0', '0.0'].map((word) => [word, false] as const),
]);

const converters: Readonly<Record<string, Convert>> = { Boolean: toBoolean, Integer: toInteger, Decimal: toDecimal };
const moreConverters: Readonly<Record<string, Convert>> = {
  String: toText,
  Date: (value) => temporal(value, 'date'),
  DateTime: (value) => temporal(value, 'dateTime'),
  Time: (value) => temporal(value, 'time'),
  Quantity: toQuantity,
};

/** `toInteger()` and `convertsToInteger()`, and so for every type. */
export const conversionFunctions: ReadonlyMap<string, ValueFunction> = new Map(
  Object.entries({ ...converters, ...moreConverters }).flatMap(([type, convert]) => {
    const arity = type === 'Quantity' ? ([0, 1] as const) : ([0, 0] as const);
    return [
      [`to${type}`, ofOne(arity, (value, [argument]) => convert(value, argument))],
      [`convertsTo${type}`, ofOne(arity, (value, [argument]) => convert(value, argument) !== undefined)],
    ];
  }),
);

function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return truthWords.get(value.toLowerCase());
  const number = numberOf(value);
  return number === 0 || number === 1 ? number === 1 : undefined;
}

function toInteger(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && /^[+-]?\d{1,10}$/.test(value)) return toInteger(Number(value));
  const isInteger = Number.isInteger(value) && Math.abs(value as number) <= 2_147_483_648;
  return isInteger ? (value as number) : undefined;
}

function toDecimal(value: unknown): unknown {
  if (typeof value === 'boolean') return new DecimalNumber(value ? 1n : 0n, 0);
  if (typeof value !== 'string') return DecimalNumber.from(value);
  return /^[+-]?\d+(?:\.\d+)?$/.test(value) ? DecimalNumber.parse(value.replace(/^\+/, '')) : undefined;
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'object' && value?.valueOf() === value && !(value instanceof SystemQuantity))
    return textOf(value);
  return value === null || value === undefined ? undefined : String(value);
}

/** A date is a dateTime, and of a dateTime its day is a date. */
function temporal(value: unknown, kind: Temporal['kind']): Temporal | undefined {
  const text = textOf(value);
  const found = text === undefined ? undefined : parseTemporal(kind === 'time' ? `T${text}` : text);
  if (!found || found.kind === kind || found.kind === 'time' || kind === 'time') {
    return found?.kind === kind ? found : undefined;
  }
  if (kind === 'dateTime') return new Temporal('dateTime', found.text, found.components);
  return parseTemporal(found.text.slice(0, 10).replace(/T.*/, ''));
}

function toQuantity(value: unknown, unit: unknown): SystemQuantity | undefined {
  const quantity = plainQuantity(value);
  return unit === undefined || quantity?.unit === unit ? quantity : undefined;
}

function plainQuantity(value: unknown): SystemQuantity | undefined {
  if (typeof value === 'string') return parseQuantity(value);
  return SystemQuantity.from(typeof value === 'boolean' ? toDecimal(value) : value);
}
