// Reads the parameters of a search across types: https://hl7.org/fhir/R4/http.html#search, GET [base]?parameters

import type { Definitions } from '../fhir/definitions.ts';
import { includeNames } from './parse/includes.ts';
import { isResultParameter } from './parse/result-parameters.ts';
import { invalidValue, printable, SearchNotes } from './parse/search-notes.ts';
import { boundedPairs, type ParseOptions, parseSearch } from './parse.ts';
import { type IndexedParameter, indexedParameters } from './search-parameters.ts';
import type { SearchQuery } from './search-query.ts';

/** The order is that of type and id. */
export interface SystemQuery extends SearchQuery {
  /** In their order; each has all parameters that are asked by. */
  readonly types: readonly string[];
  /** The same search of one type. */
  readonly ofType: (type: string) => SearchQuery;
}

/** In the order of time only, so that nothing gives them in that of their ids. */
const unordered = 'AuditEvent';

/** Binaries have readers of their own, so they are answered only where they are named. */
const apart: ReadonlySet<string> = new Set([unordered, 'Binary']);

/** These order or follow resources of one type. */
const ofOneType: ReadonlySet<string> = new Set(['_sort', ...includeNames]);

type Pairs = readonly (readonly [name: string, value: string])[];

/** Only parameters that all types have in common can be asked by; throws a FhirError (400) for what cannot be answered. */
export function parseSystemSearch(
  definitions: Definitions,
  pairs: Iterable<readonly [name: string, value: string]>,
  options: ParseOptions,
): SystemQuery {
  const notes = new SearchNotes(options.handling);
  const common = commonParameters(definitions);
  const others: (readonly [string, string])[] = [];
  let asked: string | undefined;
  for (const pair of boundedPairs(pairs)) {
    const [name, value] = pair;
    if (name === '_type' && asked === undefined && value !== '') asked = value;
    else if (name === '_type') notes.ignore(`_type is ${value === '' ? 'empty' : 'given more than once'}.`);
    else if (isCommon(name, common)) others.push(pair);
    else notes.ignore(`${printable(name)} is for searches of one type.`);
  }
  const query = parseSearch(definitions, 'Basic', others, { ...options, parameters: common });
  const codes = others.map(([name]) => codeOf(name)).filter((code) => common.has(code));
  const types = asked === undefined ? definitions.resourceTypes : readTypes(definitions, asked);
  return Object.freeze({
    ...query,
    type: '',
    sort: [],
    types: [...types]
      .filter((type) => (asked !== undefined || !apart.has(type)) && hasAll(definitions, type, codes))
      .sort(),
    ofType: (type: string) => queryOfType(definitions, type, others, options),
    understood: asked === undefined ? query.understood : [['_type', asked] as const, ...query.understood],
    warnings: [...notes.warnings, ...query.warnings],
  });
}

function queryOfType(definitions: Definitions, type: string, pairs: Pairs, options: ParseOptions): SearchQuery {
  const parameters = commonParameters(definitions, type);
  const query = parseSearch(definitions, type, pairs, { ...options, handling: 'lenient', parameters });
  return { ...query, sort: [{ by: 'id', isDescending: false }], total: 'none', summary: 'false' };
}

function codeOf(name: string): string {
  return name.split(':', 1)[0] as string;
}

function isCommon(name: string, common: ReadonlyMap<string, IndexedParameter>): boolean {
  if (ofOneType.has(name)) return false;
  return isResultParameter(name) || name === '_format' || name === '_pretty' || common.has(codeOf(name));
}

/** Those of Resource and DomainResource, but `_content`, for which the resources of every type would have to be opened. */
export function commonParameters(definitions: Definitions, type = 'Basic'): ReadonlyMap<string, IndexedParameter> {
  return new Map(
    [...indexedParameters(definitions, type)].filter(([code, { kind }]) => code.startsWith('_') && kind !== 'content'),
  );
}

/** What has no narrative, as a Bundle, cannot be found by it. */
function hasAll(definitions: Definitions, type: string, codes: readonly string[]): boolean {
  const parameters = indexedParameters(definitions, type);
  return codes.every((code) => parameters.has(code));
}

function readTypes(definitions: Definitions, value: string): ReadonlySet<string> {
  const { resourceTypes } = definitions;
  const types = value.split(',', resourceTypes.size + 1);
  const isOffered = (type: string) => resourceTypes.has(type) && type !== unordered;
  if (types.length > resourceTypes.size || !types.every(isOffered)) {
    throw invalidValue('_type', `a list of resource types other than ${unordered}, which is searched by itself`);
  }
  return new Set(types);
}
