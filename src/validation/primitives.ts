// The syntax of FHIR's primitive types, each checked in linear time: https://hl7.org/fhir/R4/datatypes.html#primitive

import { type DateKind, parseDate } from '../fhir/dates.ts';
import { isSpacedOnce, isText, isToken } from './characters.ts';
import { narrativeFault } from './narrative.ts';

const stringSyntax =
  'a text that is not empty, of at most 1,048,576 characters and no control characters (nor U+FFFE and U+FFFF)';
const uriSyntax = 'a URI without white space, urn:uuid: and urn:oid: followed by a UUID or OID';

/** By type name, and `elementId` for what R4 calls the string of an element's id. */
export const primitives: Readonly<Record<string, Primitive>> = {
  base64Binary: text(isBase64, 'base64'),
  boolean: { json: 'boolean', matches: (value) => typeof value === 'boolean', syntax: 'true or false' },
  canonical: text(isUri, uriSyntax),
  code: text(isSpacedOnce, 'a code without leading, trailing or doubled white space'),
  date: text(isDate('date'), 'a date of the calendar as YYYY, YYYY-MM or YYYY-MM-DD'),
  dateTime: text(isDate('dateTime'), 'a date of the calendar, or YYYY-MM-DDThh:mm:ss with a time zone'),
  decimal: { json: 'number', matches: Number.isFinite, syntax: 'a number' },
  elementId: text((value) => value.length <= stringLengthMax && isToken(value), 'a text without white space'),
  id: text((value) => /^[A-Za-z0-9.-]{1,64}$/.test(value), '1 to 64 of A-Z, a-z, 0-9, - and .'),
  instant: text(isDate('instant'), 'YYYY-MM-DDThh:mm:ss of the calendar with a time zone'),
  integer: integer(-2_147_483_648),
  markdown: text(isString, stringSyntax),
  oid: text((value) => oidPattern.test(value), 'urn:oid: and an OID'),
  positiveInt: integer(1),
  string: text(isString, stringSyntax),
  time: text(isDate('time'), 'hh:mm:ss'),
  unsignedInt: integer(0),
  uri: text(isUri, uriSyntax),
  url: text(isUri, uriSyntax),
  uuid: text((value) => uuidPattern.test(value), 'urn:uuid: and a UUID in lower case'),
  xhtml: text((value) => isString(value) && narrativeFault(value) === undefined, 'an XHTML div'),
};

export interface Primitive {
  readonly json: 'string' | 'number' | 'boolean';
  matches(value: unknown): boolean;
  /** What is expected, to be read after "must be". */
  readonly syntax: string;
}

const oidPattern = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const uuidPattern = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** https://hl7.org/fhir/R4/datatypes.html#string */
const stringLengthMax = 1_048_576;

function text(isSyntax: (value: string) => boolean, syntax: string): Primitive {
  return { json: 'string', matches: (value) => typeof value === 'string' && isSyntax(value), syntax };
}

function integer(minimum: number): Primitive {
  return {
    json: 'number',
    matches: (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= 2_147_483_647,
    syntax: `a whole number from ${minimum} to 2147483647`,
  };
}

function isDate(kind: DateKind): (value: string) => boolean {
  return (value) => parseDate(value, kind) !== undefined;
}

function isString(value: string): boolean {
  return value.length > 0 && value.length <= stringLengthMax && isText(value);
}

/** `oid:1.2` and `uuid:...` are what people write who mean a URN: https://hl7.org/fhir/R4/datatypes.html#uri */
function isUri(value: string): boolean {
  if (!isToken(value)) return false;
  const first = value.charCodeAt(0) | 0x20;
  if (first !== 0x75 && first !== 0x6f) return true;
  const start = value.slice(0, 9).toLowerCase();
  if (start.startsWith('urn:oid:')) return oidPattern.test(`urn:oid:${value.slice(8)}`);
  if (start === 'urn:uuid:') return uuidPattern.test(value.toLowerCase());
  return !start.startsWith('oid:') && !start.startsWith('uuid:');
}

/** White space may stand anywhere, as FHIR's own pattern allows, if XML has it too; padding only at the end. */
function isBase64(value: string): boolean {
  let digitCount = 0;
  let paddingCount = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c === 0x3d) paddingCount++;
    else if (base64Digits[c] === 1 && paddingCount === 0) digitCount++;
    else if (c !== 0x20 && c !== 0x09 && c !== 0x0a && c !== 0x0d) return false;
  }
  return digitCount > 0 && paddingCount <= 2 && (digitCount + paddingCount) % 4 === 0;
}

const base64Digits = new Uint8Array(128);
for (const digit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  base64Digits[digit.charCodeAt(0)] = 1;
}
