// The parameters that shape the answer rather than choose resources: https://hl7.org/fhir/R4/search.html#return

import type { IndexedParameter } from '../search-parameters.ts';
import type { Include, SearchQuery, SortKey } from '../search-query.ts';
import { isSortable } from '../sort-key.ts';
import { type IncludeContext, includeNames, parseInclude } from './includes.ts';
import { invalidValue, printable, type SearchNotes } from './search-notes.ts';

export const countDefault = 20;
export const countMax = 1000;
const sortKeysMax = 3;
const elementsMax = 100;

export type ResultSettings = {
  -readonly [Name in 'count' | 'sort' | 'total' | 'summary' | 'elements' | 'cursor']?: SearchQuery[Name];
} & { readonly includes: Include[] };

export interface ResultContext extends IncludeContext {
  readonly parameters: ReadonlyMap<string, IndexedParameter>;
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
  ...Object.fromEntries(includeNames.map((name) => [name, includeReader(name)])),
  _cursor: (value, settings) => {
    settings.cursor = value;
    return true;
  },
};

/** Each but these may be given once. */
const repeatable: ReadonlySet<string> = new Set(includeNames);

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

/** A parameter of the self link, with its value as it was understood: https://hl7.org/fhir/R4/search.html#conformance */
export function understoodPair(
  [name, value]: readonly [string, string],
  { count, sort }: ResultSettings,
): readonly [string, string] {
  if (name === '_count' && count !== undefined) return [name, String(count)];
  return [name, name === '_sort' && sort ? sort.map(sortText).join(',') : value];
}

function sortText({ by, isDescending }: SortKey): string {
  return `${isDescending ? '-' : ''}${typeof by === 'string' ? `_${by}` : by.code}`;
}

/** More than the maximum is cut to it: a server may send fewer than asked. */
function readCount(value: string, settings: ResultSettings): boolean {
  if (!/^\d{1,9}$/.test(value)) throw invalidValue('_count', 'a whole number');
  settings.count = Math.min(Number(value), countMax);
  return true;
}

function readSort(value: string, settings: ResultSettings, context: ResultContext): boolean {
  const { type, parameters, notes } = context;
  const keys: SortKey[] = [];
  for (const rule of value.split(',')) {
    const code = rule.replace(/^-/, '');
    const by = sortable(parameters.get(code));
    if (by) keys.push({ by, isDescending: rule.startsWith('-') });
    else notes.ignore(`${type} cannot be sorted by ${printable(rule)}${becauseUnready(type, code, context)}.`);
  }
  if (keys.length > sortKeysMax) throw invalidValue('_sort', `a list of at most ${sortKeysMax} parameters`);
  if (keys.length > 0) settings.sort = keys;
  return keys.length > 0;
}

/** The end of a sentence. */
function becauseUnready(type: string, code: string, { whyUnready }: ResultContext): string {
  const why = whyUnready(type, code);
  return why === undefined ? '' : ` yet: it ${why}`;
}

function sortable(parameter: IndexedParameter | undefined): SortKey['by'] | undefined {
  if (parameter?.kind === 'id' || parameter?.kind === 'lastUpdated') return parameter.kind;
  return parameter && isSortable(parameter) ? parameter : undefined;
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

function includeReader(name: (typeof includeNames)[number]): Reader {
  return (value, { includes }, context) => {
    const include = parseInclude(name, value, context);
    const [source = '', code = ''] = value.split(':');
    if (include) includes.push(include);
    else {
      const why = becauseUnready(source, code, context);
      context.notes.ignore(`${name}=${printable(value)} is not offered for ${context.type}${why}.`);
    }
    return include !== undefined;
  };
}
