// The parameters that shape the answer rather than choose resources: https://hl7.org/fhir/R4/search.html#return

import type { IndexedParameter } from '../search-parameters.ts';
import type { Include, SearchQuery, SortKey } from '../search-query.ts';
import { invalidValue, printable, type SearchNotes } from './search-notes.ts';

export const countDefault = 20;
export const countMax = 1000;
const sortKeysMax = 3;
const elementsMax = 100;

export type ResultSettings = {
  -readonly [Name in 'count' | 'sort' | 'total' | 'summary' | 'elements' | 'cursor']?: SearchQuery[Name];
} & { readonly includes: Include[] };

export interface ResultContext {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, IndexedParameter>;
  readonly resourceTypes: ReadonlySet<string>;
  readonly notes: SearchNotes;
}

type Reader = (value: string, settings: ResultSettings, context: ResultContext) => boolean;

/** True from a reader means that the value was understood. */
const readers: Readonly<Record<string, Reader>> = {
  _count: readCount,
  _sort: readSort,
  _total: readTotal,
  _summary: readSummary,
  _elements: readElements,
  _include: readInclude,
  _cursor: (value, settings) => {
    settings.cursor = value;
    return true;
  },
};

/** Each but `_include` may be given once. */
const repeatable: ReadonlySet<string> = new Set(['_include']);

export function isResultParameter(name: string): boolean {
  return Object.hasOwn(readers, name);
}

/** True when it was understood; the names in `seen` came before. */
export function readResultParameter(
  name: string,
  value: string,
  settings: ResultSettings,
  seen: ReadonlySet<string>,
  context: ResultContext,
): boolean {
  if (seen.has(name) && !repeatable.has(name)) {
    context.notes.ignore(`${name} is given more than once.`);
    return false;
  }
  return readers[name]?.(value, settings, context) ?? false;
}

/** More than the maximum is cut to it: a server may send fewer than asked. */
function readCount(value: string, settings: ResultSettings): boolean {
  if (!/^\d{1,9}$/.test(value)) throw invalidValue('_count', 'a whole number');
  settings.count = Math.min(Number(value), countMax);
  return true;
}

function readSort(value: string, settings: ResultSettings, { type, parameters, notes }: ResultContext): boolean {
  const keys: SortKey[] = [];
  for (const rule of value.split(',')) {
    const by = sortable(parameters.get(rule.replace(/^-/, '')));
    if (by) keys.push({ by, isDescending: rule.startsWith('-') });
    else notes.ignore(`${type} cannot be sorted by ${printable(rule)}; _id, _lastUpdated and dates can be sorted by.`);
  }
  if (keys.length > sortKeysMax) throw invalidValue('_sort', `a list of at most ${sortKeysMax} parameters`);
  if (keys.length > 0) settings.sort = keys;
  return keys.length > 0;
}

function sortable(parameter: IndexedParameter | undefined): SortKey['by'] | undefined {
  if (parameter?.kind === 'id' || parameter?.kind === 'lastUpdated') return parameter.kind;
  return parameter?.kind === 'date' ? parameter : undefined;
}

function readTotal(value: string, settings: ResultSettings): boolean {
  if (value !== 'none' && value !== 'estimate' && value !== 'accurate') {
    throw invalidValue('_total', 'one of none, estimate, accurate');
  }
  settings.total = value;
  return true;
}

function readSummary(value: string, settings: ResultSettings): boolean {
  if (value !== 'true' && value !== 'text' && value !== 'data' && value !== 'count' && value !== 'false') {
    throw invalidValue('_summary', 'one of true, text, data, count, false');
  }
  settings.summary = value;
  return true;
}

function readElements(value: string, settings: ResultSettings, { type }: ResultContext): boolean {
  const names = value.split(',').map((name) => (name.startsWith(`${type}.`) ? name.slice(type.length + 1) : name));
  if (names.length > elementsMax || !names.every((name) => /^[a-z]\w{0,99}$/i.test(name))) {
    throw invalidValue('_elements', `a list of at most ${elementsMax} names of elements`);
  }
  settings.elements = names;
  return true;
}

/** `Type:parameter`, `Type:parameter:Target`, `Type:*` or `*`: https://hl7.org/fhir/R4/search.html#include */
function readInclude(value: string, { includes }: ResultSettings, context: ResultContext): boolean {
  const include = parseInclude(value, context);
  if (!include) context.notes.ignore(`_include=${printable(value)} is not offered for ${context.type}.`);
  else includes.push(include);
  return include !== undefined;
}

function parseInclude(value: string, { type, parameters, resourceTypes }: ResultContext): Include | undefined {
  // An AuditEvent has no rows of references to join.
  if (type === 'AuditEvent') return undefined;
  if (value === '*') return { parameter: '*' };
  const [source, parameter = '', targetType, ...more] = value.split(':');
  if (source !== type || more.length > 0) return undefined;
  if (parameter !== '*' && parameters.get(parameter)?.kind !== 'reference') return undefined;
  if (targetType === undefined) return { parameter };
  return resourceTypes.has(targetType) ? { parameter, targetType } : undefined;
}
