// Reads the parameters of a search request into a SearchQuery: https://hl7.org/fhir/R4/search.html

import type { Definitions } from '../fhir/definitions.ts';
import { fhirError } from '../fhir/outcome.ts';
import { parseFilter } from './parse/filter.ts';
import { type NameContext, parseNamed } from './parse/named.ts';
import {
  countDefault,
  isResultParameter,
  type ResultSettings,
  readResultParameter,
  understoodPair,
} from './parse/result-parameters.ts';
import { type Handling, printable, SearchNotes } from './parse/search-notes.ts';
import { splitValue } from './parse/split.ts';
import { type IndexedParameter, indexedParameters } from './search-parameters.ts';
import type { Criterion, SearchQuery, SortKey } from './search-query.ts';

/** Bounds of one request; beyond them it is refused before anything is compiled. */
const parametersMax = 100;
const valuesMax = 500;
const valueLengthMax = 20_000;

/** For the HTTP layer, which has answered them already; the links of further pages repeat them: https://hl7.org/fhir/R4/http.html#parameters */
const answeredElsewhere: ReadonlySet<string> = new Set(['_format', '_pretty']);

export interface ParseOptions {
  readonly handling: Handling;
  /** The tenant's own FHIR base, so that absolute references below it are known as its own. */
  readonly baseUrl?: string;
  readonly now: number;
  /** What can be asked for, where that is not what the type has. */
  readonly parameters?: ReadonlyMap<string, IndexedParameter>;
}

/** Reads `name=value` pairs, decoded from the URL; throws a FhirError (400) for what cannot be answered. */
export function parseSearch(
  definitions: Definitions,
  type: string,
  pairs: Iterable<readonly [name: string, value: string]>,
  options: ParseOptions,
): SearchQuery {
  return new SearchParser(definitions, type, options).parse(boundedPairs(pairs));
}

/** Throws a FhirError (400) when there are more than a search takes. */
export function boundedPairs(pairs: Iterable<readonly [string, string]>): readonly (readonly [string, string])[] {
  const all = [...pairs];
  if (all.length <= parametersMax) return all;
  throw tooCostly(`A search takes at most ${parametersMax} parameters.`);
}

class SearchParser {
  readonly #type: string;
  readonly #parameters: ReadonlyMap<string, IndexedParameter>;
  readonly #parametersOf: (type: string) => ReadonlyMap<string, IndexedParameter>;
  readonly #notes: SearchNotes;
  readonly #context: NameContext;
  readonly #criteria: Criterion[] = [];
  readonly #settings: ResultSettings = { includes: [] };
  readonly #understood: [string, string][] = [];
  readonly #seen = new Set<string>();

  constructor(definitions: Definitions, type: string, { handling, baseUrl, now, parameters }: ParseOptions) {
    this.#type = type;
    this.#parameters = parameters ?? indexedParameters(definitions, type);
    this.#parametersOf = (other) => (other === type ? this.#parameters : indexedParameters(definitions, other));
    this.#notes = new SearchNotes(handling);
    this.#context = {
      resourceTypes: definitions.resourceTypes,
      baseUrl,
      now,
      parametersOf: this.#parametersOf,
      whyUnready: (other, code) => definitions.own?.whyUnready(other, code),
      links: { count: 0 },
    };
  }

  parse(pairs: readonly (readonly [string, string])[]): SearchQuery {
    for (const [name, value] of pairs) this.#readPair(name, value);
    const { cursor, count = countDefault, summary = 'false', ...settings } = this.#settings;
    return deepFreeze({
      type: this.#type,
      criteria: this.#criteria,
      sort: defaultSort(this.#type, this.#criteria),
      total: 'estimate',
      elements: [],
      ...settings,
      count,
      // https://hl7.org/fhir/R4/search.html#count: zero asks for the total alone.
      summary: count === 0 ? 'count' : summary,
      ...(cursor !== undefined && { cursor }),
      understood: this.#understood.map((pair) => understoodPair(pair, this.#settings)),
      warnings: this.#notes.warnings,
    });
  }

  #readPair(name: string, value: string): void {
    if (value.length > valueLengthMax) throw tooCostly(`The value of ${printable(name)} is too long.`);
    const isUnderstood = answeredElsewhere.has(name) || this.#isUnderstood(name, value);
    if (isUnderstood && name !== '_cursor') this.#understood.push([name, value]);
    this.#seen.add(name);
  }

  #isUnderstood(name: string, value: string): boolean {
    if (value !== '') return isResultParameter(name) ? this.#readResult(name, value) : this.#readCriterion(name, value);
    this.#notes.ignore(`The search parameter ${printable(name)} has no value.`);
    return false;
  }

  #readResult(name: string, value: string): boolean {
    return readResultParameter(name, value, this.#settings, this.#seen, {
      type: this.#type,
      parameters: this.#parameters,
      resourceTypes: this.#context.resourceTypes,
      parametersOf: this.#parametersOf,
      whyUnready: this.#context.whyUnready,
      notes: this.#notes,
    });
  }

  #readCriterion(name: string, value: string): boolean {
    const values = splitValue(value, ',');
    if (values.length > valuesMax) throw tooCostly(`${printable(name)} takes at most ${valuesMax} values.`);
    const criteria = this.#criteriaOf(name, value, values);
    if (typeof criteria === 'string') this.#notes.ignore(criteria);
    else this.#criteria.push(...criteria);
    return typeof criteria !== 'string';
  }

  /** A text says why there are none. */
  #criteriaOf(name: string, value: string, values: readonly string[]): readonly Criterion[] | string {
    if (name === '_filter' && this.#context.resourceTypes.has(this.#type))
      return parseFilter(value, this.#type, this.#context);
    const source = { type: this.#type, name, rest: name, values, depth: 0 };
    const criterion = parseNamed(source, this.#context);
    return typeof criterion === 'string' ? criterion : [criterion];
  }
}

/**
 * Without `_sort`: by the time that was asked for, since the index that finds is then the one that sorts; otherwise by id,
 * which no update moves between pages and which is the order of creation for ids this server made, or by slice (slices.ts) where
 * that would read much. AuditEvents come newest first.
 */
function defaultSort(type: string, criteria: readonly Criterion[]): readonly SortKey[] {
  if (type === 'AuditEvent') return [{ by: 'lastUpdated', isDescending: true }];
  const date = criteria.find((criterion) => criterion.kind === 'date');
  if (date) return [{ by: date.parameter, isDescending: false }];
  const isAboutTime = criteria.some(({ kind }) => kind === 'lastUpdated');
  return isAboutTime ? [{ by: 'lastUpdated', isDescending: false }] : [{ by: 'id', isDescending: false, isFree: true }];
}

function tooCostly(diagnostics: string): Error {
  return fhirError('too-costly', diagnostics);
}

/** Parameters are shared with other queries, and immutable by type. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || 'read' in value) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
