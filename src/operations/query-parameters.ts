// The inputs of a call by GET as a Parameters resource: https://hl7.org/fhir/R4/operations.html#request

import type { Parameters } from '@medplum/fhirtypes';
import type { Content } from '../repository/change.ts';
import type { Operation } from './operation.ts';

/** GET is for operations that change nothing and need no input that is not primitive; optional ones go by POST only. */
export function takesGet(operation: Operation): boolean {
  if (operation.affectsState) return false;
  return operation.parameters.every(({ use, min, type }) => use === 'out' || min === 0 || isPrimitive(type));
}

/** Each pair becomes a parameter of its declared type; those that are not declared stay texts, to be refused by name. */
export function queryParameters(
  operation: Operation,
  pairs: Iterable<readonly [name: string, value: string]>,
): Content {
  const exactNumbers = new Map<string, string>();
  const parameter = [...pairs].map(([name, text], index) => {
    const wanted = operation.parameters.find((one) => one.use === 'in' && one.name === name);
    const type = wanted?.type !== undefined && isPrimitive(wanted.type) ? wanted.type : 'string';
    const key = `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;
    const value = primitiveOf(type, text);
    if (typeof value === 'number' && String(value) !== text) exactNumbers.set(`/parameter/${index}/${key}`, text);
    return { name, [key]: value };
  });
  const resource = { resourceType: 'Parameters', ...(parameter.length > 0 && { parameter }) } as Parameters;
  return { resource, ...(exactNumbers.size > 0 && { exactNumbers }) };
}

/** Only the names of primitive types begin with a small letter: https://hl7.org/fhir/R4/datatypes.html */
function isPrimitive(type: string | undefined): boolean {
  return type !== undefined && /^[a-z]/.test(type);
}

const numeric: ReadonlySet<string> = new Set(['integer', 'decimal', 'positiveInt', 'unsignedInt']);
const numberSyntax = /^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?(?:[eE][+-]?\d{1,3})?$/;

/** A text that is no number or boolean stays a text, which the validator then refuses. */
function primitiveOf(type: string, text: string): unknown {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return numeric.has(type) && numberSyntax.test(text) ? Number(text) : text;
}
