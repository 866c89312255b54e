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
  if (name === '_text' || name === '_content') return [...new Set(wordsIn(name, resource))];
  const path = pathOf(definitions, expression, resource.resourceType);
  if (type === 'composite') return askComposite(definitions, name, path, resource);
  const make = makers[type];
  if (!make) throw new Error(`The walk does not know how to ask for ${name}, of type ${type}: teach it.`);
  return [...new Set(path.read(resource).flatMap(make))];
}

/** R4 gives these two parameters no expression. Some types have no text but the narrative. */
function wordsIn(name: '_text' | '_content', resource: Resource): string[] {
  const { text, ...rest } = resource as Resource & { readonly text?: unknown };
  const others = name === '_text' ? [] : wordsOf(rest);
  return others.length > 0 ? others : wordsOf(text);
}

/** The words that samples are made of, wherever they stand for themselves. */
function wordsOf(node: unknown): string[] {
  if (typeof node === 'string') return node.match(/^(?:<div [^>]*>)?(quartz|zebra)(?:<\/div>)?$/)?.slice(1) ?? [];
  return typeof node === 'object' && node !== null ? Object.values(node).flatMap(wordsOf) : [];
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
  special: askPosition,
};

/** The components of one element, each by what it reads there. */
function askComposite(
  definitions: Definitions,
  name: string,
  { read, elements = [] }: ReturnType<typeof compilePath>,
  resource: Resource,
): string[] {
  const { resourceType } = resource;
  const { components = [] } = definitions.searchParameters(resourceType).get(name) ?? {};
  const inner = elements.find(({ type }) => type !== resourceType)?.type ?? resourceType;
  return read(resource).flatMap((element) => {
    const ofElement = element === resource ? resourceType : inner;
    const parts = components.map(({ definition, expression }) => {
      const [, ofResource] = /^%resource\.(.*)$/.exec(expression) ?? [];
      const [text, type] = ofResource === undefined ? [expression, ofElement] : [ofResource, resourceType];
      // R4 writes the type of code-value-date in capitals.
      const path = pathOf(definitions, text.replace('(DateTime)', '(dateTime)'), type);
      const values = path.read(ofResource === undefined ? (element as object) : resource);
      return values.flatMap((value) => askComponent(definitions.searchParameterByUrl(definition)?.type ?? '', value));
    });
    return parts.every(([first]) => first !== undefined) ? [parts.map(([first]) => first).join('$')] : [];
  });
}

function askComponent(type: string, value: unknown): string[] {
  if (typeof value === 'object' && value !== null && 'reference' in value) return askReference(value);
  if (type === 'reference') return askToken(value);
  const isMeasured =
    typeof value === 'object' &&
    value !== null &&
    ('low' in value || 'high' in value || typeof (value as Members).value === 'number');
  return type === 'token' && isMeasured ? [] : (makers[type]?.(value) ?? []);
}

function askPosition(value: unknown): string[] {
  const { latitude, longitude } = value as Members;
  return [`${latitude}|${longitude}|1|km`];
}

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
