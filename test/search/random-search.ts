// Resources of any type with values worth searching for, and queries made from a resource's own values.

import type { Resource } from '@medplum/fhirtypes';
import { parseDate } from '../../src/fhir/dates.ts';
import { spanOf } from '../../src/search/date-span.ts';
import { searchedTexts } from '../../src/search/extract/string.ts';
import { foldAllWords, foldWords } from '../../src/search/fold-text.ts';
import { escapeValue } from '../../src/search/parse/split.ts';
import { type IndexedParameter, indexedParameters } from '../../src/search/search-parameters.ts';
import { randomResource } from '../validation/random-resource.ts';
import { baseUrl, definitions } from './evaluate.ts';

export type Pick = <T>(items: readonly T[]) => T;

const texts = [
  'Żółkiewska',
  "O'Neil-Smith",
  'Christopher Bartholomew',
  'straße',
  'a|b,c$d\\e',
  '李 小龙',
  'ΟΔΥΣΣΕΥΣ',
  'x',
];
const references = [
  'Patient/p1',
  'Practitioner/d.2',
  'Organization/o-3/_history/4',
  'https://other.example/fhir/Patient/9',
  'urn:uuid:0b2fd4d2-9c1d-4f2c-8c5e-1f0d6a2b3c4d',
];
const dates = ['2026', '2026-02', '2024-02-29', '2026-11-20T10:30:00+01:00', '1980-12-31T23:59:59.5-08:00'];

/** A valid-looking resource whose strings, references and dates are of many kinds. */
export function searchableResource(type: string, seed: number, pick: Pick): Resource {
  return vary(randomResource(definitions, type, seed), pick) as Resource;
}

function vary(node: unknown, pick: Pick): unknown {
  if (Array.isArray(node)) return node.filter((item) => item !== null).map((item) => vary(item, pick));
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).filter(([key]) => !key.startsWith('_'));
  return Object.fromEntries(entries.map(([key, value]) => [key, varyMember(key, value, pick)]));
}

function varyMember(key: string, value: unknown, pick: Pick): unknown {
  if (key === 'reference' && typeof value === 'string') return pick(references);
  if (value === 'x') return pick(texts);
  if (typeof value === 'string' && parseDate(value, 'dateTime') && value.length <= 10) return pick(dates.slice(0, 3));
  if (typeof value === 'string' && parseDate(value, 'dateTime')) return pick(dates.slice(3));
  return vary(value, pick);
}

/** Parameters of the type that read something from the resource and that a query can be made for. */
export function askable(resource: Resource): { parameter: IndexedParameter; values: unknown[] }[] {
  return [...indexedParameters(definitions, resource.resourceType).values()]
    .map((parameter) => ({ parameter, values: parameter.read(resource) }))
    .filter(({ parameter, values }) => values.length > 0 && parameter.kind !== 'lastUpdated');
}

/** A `name=value` pair that must find the resource the value is from; undefined when the value cannot be asked for. */
export function queryFor(parameter: IndexedParameter, value: unknown, pick: Pick): [string, string] | undefined {
  const { code, kind } = parameter;
  const asked = makers[kind](value, pick, parameter);
  return asked && [`${code}${asked.modifier ?? ''}`, asked.value];
}

interface Asked {
  readonly modifier?: string;
  readonly value: string;
}

type Maker = (value: unknown, pick: Pick, parameter: IndexedParameter) => Asked | undefined;

const makers: Readonly<Record<IndexedParameter['kind'], Maker>> = {
  id: (value) => ({ value: String(value) }),
  lastUpdated: () => undefined,
  uri: (value) => ({ value: escapeValue(String(value)) }),
  token: askToken,
  string: askString,
  reference: askReference,
  date: askDate,
  identifyingDate: askDate,
  // A Range is no number that could be asked for.
  number: (value) => (typeof value === 'number' ? { value: String(value) } : undefined),
  quantity: askQuantity,
  composite: () => undefined,
  near: askPosition,
  text: askWords,
  content: askWords,
};

function askWords(value: unknown, pick: Pick): Asked | undefined {
  const words = foldAllWords(String(value));
  return words.length === 0 ? undefined : { value: pick([words[0] as string, words.slice(0, 20).join(' ')]) };
}

function askQuantity(value: unknown, pick: Pick): Asked | undefined {
  const { value: number, comparator, system, code } = value as Record<string, unknown>;
  if (typeof number !== 'number' || comparator !== undefined) return undefined;
  const queries = [`${number}`, `ge${number}`, `le${number}`, `ap${number}`];
  if (typeof code === 'string') queries.push(`${number}||${escapeValue(code)}`);
  if (typeof code === 'string' && typeof system === 'string')
    queries.push(`${number}|${escapeValue(system)}|${escapeValue(code)}`);
  return { value: pick(queries) };
}

function askPosition(value: unknown, pick: Pick): Asked | undefined {
  const { latitude, longitude } = value as Record<string, number>;
  const isPosition = Math.abs(latitude ?? 91) <= 90 && Math.abs(longitude ?? 181) <= 180;
  return isPosition ? { value: pick([`${latitude}|${longitude}`, `${latitude}|${longitude}|1|m`]) } : undefined;
}

function askToken(value: unknown, pick: Pick, parameter?: IndexedParameter): Asked | undefined {
  if (typeof value !== 'object' || value === null) return { value: escapeValue(String(value)) };
  const { coding, system, code = undefined, value: own } = value as Record<string, unknown>;
  if (Array.isArray(coding)) return coding.length > 0 ? askToken(pick(coding), pick) : undefined;
  const text = code ?? own;
  if (typeof text !== 'string') return undefined;
  if (parameter?.tokenShape.kind === 'contact') {
    return text.trim() === '' ? undefined : { value: pick([escapeValue(text), escapeValue(text.toUpperCase())]) };
  }
  const parts = typeof system === 'string' ? [`${escapeValue(system)}|`] : ['|'];
  const queries = [escapeValue(text), `${parts[0]}${escapeValue(text)}`];
  if (typeof system === 'string') queries.push(`${escapeValue(system)}|`);
  return { value: pick(queries) };
}

function askString(value: unknown, pick: Pick): Asked | undefined {
  const found = searchedTexts(value);
  const searched = found.length > 0 ? pick(found) : '';
  const words = foldWords(searched);
  if (words.length === 0) return undefined;
  if (pick([true, false, false])) return { modifier: ':exact', value: escapeValue(searched) };
  if (pick([true, false, false])) {
    const part = foldWords(searched.slice(1)).length > 0 ? searched.slice(1) : searched;
    return { modifier: ':contains', value: escapeValue(pick([part, searched])) };
  }
  const word = pick(words);
  const prefix = [...word].slice(0, 1 + pick([...word].map((_, index) => index))).join('');
  return { value: escapeValue(pick([searched, searched.toUpperCase(), prefix, word])) };
}

function askReference(value: unknown, pick: Pick, parameter: IndexedParameter): Asked | undefined {
  if (typeof value === 'string') return { value: escapeValue(pick([value, value.split('|')[0] as string])) };
  const { reference, identifier } = value as { reference?: string; identifier?: object };
  if (identifier && (reference === undefined || pick([true, false]))) {
    const asked = askToken(identifier, pick);
    return asked && { ...asked, modifier: ':identifier' };
  }
  if (reference === undefined) return undefined;
  if (/^(https|urn):/.test(reference)) return { value: reference };
  const [type, id] = reference.split('/') as [string, string];
  const targets = parameter.targets ?? [];
  const queries: Asked[] = [{ value: `${type}/${id}` }, { value: `${baseUrl}/${type}/${id}` }, { value: reference }];
  if (targets.includes(type)) queries.push({ modifier: `:${type}`, value: id });
  if (targets.length <= 20 && targets.includes(type)) queries.push({ value: id });
  return pick(queries);
}

function askDate(value: unknown, pick: Pick): Asked | undefined {
  const span = spanOf(value);
  if (!span) return undefined;
  const low = new Date(span.low).toISOString();
  const high = new Date(span.high).toISOString();
  const queries = [`ge${low}`, `le${high}`, `ap${low}`, `gt${new Date(span.high - 1).toISOString()}`];
  if (span.low > Date.UTC(2, 0, 1)) queries.push(`sa${new Date(span.low - 1).toISOString()}`);
  if (typeof value === 'string') queries.push(value, value.slice(0, 10), `ge${value.slice(0, 4)}`, `le${value}`);
  return { value: pick(queries.filter((query) => isContained(query, span))) };
}

/** The UTC day of a moment is not always the day its text begins with. */
function isContained(query: string, span: { low: number; high: number }): boolean {
  const [, prefix = '', text = ''] = /^([a-z]{2})?(.*)$/.exec(query) ?? [];
  const asked = parseDate(text, 'search');
  if (!asked) return false;
  if (prefix === '') return asked.low <= span.low && span.high <= asked.high;
  return prefix === 'ge' ? span.low >= asked.low || span.high > asked.high : true;
}
