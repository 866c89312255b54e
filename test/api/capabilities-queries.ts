// The searches that must find a resource, made from its own values by what R4 says of each parameter type: https://hl7.org/fhir/R4/search.html#ptypes

import type { Resource } from '@medplum/fhirtypes';
import type { Definitions } from '../../src/fhir/definitions.ts';
import { compilePath } from '../../src/fhir/fhirpath/compile.ts';

/** A parameter as the statement declares it, with the expression of the definition that it names. */
export interface DeclaredParameter {
  readonly name: string;
  readonly type: string;
  readonly expression: string;
}

/** Values of the parameter by each of which a search must find the resource; empty when it has nothing to be found by. */
export function valuesThatFind(
  definitions: Definitions,
  { name, type, expression }: DeclaredParameter,
  resource: Resource,
): string[] {
  const make = makers[type];
  if (!make) throw new Error(`The walk does not know how to ask for ${name}, of type ${type}: teach it.`);
  const values = pathOf(definitions, expression, resource.resourceType).read(resource);
  return [...new Set(values.flatMap(make))];
}

const paths = new Map<string, ReturnType<typeof compilePath>>();

function pathOf(definitions: Definitions, expression: string, type: string) {
  const key = `${type} ${expression}`;
  const path = paths.get(key) ?? compilePath(expression, type, definitions);
  paths.set(key, path);
  return path;
}

type Maker = (value: unknown) => string[];
type Members = Readonly<Record<string, unknown>>;

const makers: Readonly<Record<string, Maker>> = {
  token: askToken,
  string: askString,
  reference: askReference,
  uri: (value) => [String(value)],
  date: askDate,
  number: (value) => [String(value)],
  quantity: askQuantity,
};

function askToken(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  const { coding, system, code, value: own } = value as Members;
  if (Array.isArray(coding)) return coding.flatMap(askToken);
  // Of a ContactPoint the system is a word of its own, not part of what it is.
  if (code === undefined && typeof system === 'string' && !system.includes(':')) return [String(own)];
  return [`${system ?? ''}|${code ?? own}`];
}

function askString(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  const { family, city, text } = value as Members;
  return [family ?? city ?? text].filter((found) => typeof found === 'string');
}

function askReference(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  const { reference, resourceType, id } = value as Members;
  if (resourceType !== undefined) return [`${resourceType}/${id}`];
  return typeof reference === 'string' ? [reference] : [];
}

/** A span is within what a search says by its day only when it is no longer than that, so it is asked from its start on. */
function askDate(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  const { start, event } = value as { readonly start?: string; readonly event?: readonly string[] };
  const from = start ?? event?.[0];
  return from === undefined ? [] : [`ge${from}`];
}

function askQuantity(value: unknown): string[] {
  const { value: amount, system = '', code = '', currency } = value as Members;
  if (amount === undefined) return [];
  return [currency === undefined ? `${amount}|${system}|${code}` : String(amount)];
}
