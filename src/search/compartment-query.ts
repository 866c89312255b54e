// Reads the parameters of a search for everything in a compartment: https://hl7.org/fhir/R4/http.html#vsearch

import type { Definitions } from '../fhir/definitions.ts';
import { compartmentParameters, compartmentTypes } from './compartment.ts';
import { invalidValue, SearchNotes } from './parse/search-notes.ts';
import { boundedPairs, type ParseOptions, parseSearch } from './parse.ts';
import { type IndexedParameter, indexedParameters } from './search-parameters.ts';
import type { CompartmentName, SearchQuery } from './search-query.ts';
import { linkParameter } from './shared-keys.ts';

/** Criteria are of the last update only; the order is that of type and id. */
export interface CompartmentQuery extends SearchQuery {
  readonly compartment: CompartmentName;
  readonly members: readonly MemberType[];
}

export interface MemberType {
  readonly type: string;
  /** Those that store the links of `compartmentParameters`. */
  readonly parameters: readonly string[];
}

/** In the place of a type in the URL. */
export const allTypes = '*';

/**
 * AuditEvents are asked for by `[compartment]/[id]/AuditEvent` alone: they have no rows of references, so nothing gives them
 * in the order of a page without reading all there are about a patient, which outnumber everything else.
 */
const apart: ReadonlySet<string> = new Set(['AuditEvent']);

/** These choose, order or follow resources of one type. */
const ofOneType: ReadonlySet<string> = new Set(['_sort', '_include']);

/** `_type` narrows to a list of types, `_lastUpdated` in time; throws a FhirError (400) for what cannot be answered. */
export function parseCompartmentSearch(
  definitions: Definitions,
  compartment: CompartmentName,
  pairs: Iterable<readonly [name: string, value: string]>,
  options: ParseOptions,
): CompartmentQuery {
  const notes = new SearchNotes(options.handling);
  const others: (readonly [string, string])[] = [];
  let asked: string | undefined;
  for (const pair of boundedPairs(pairs)) {
    const [name, value] = pair;
    if (ofOneType.has(name)) notes.ignore(`${name} is for searches of one type.`);
    else if (name !== '_type') others.push(pair);
    else if (asked === undefined && value !== '') asked = value;
    else notes.ignore(`_type is ${value === '' ? 'empty' : 'given more than once'}.`);
  }
  const query = parseSearch(definitions, allTypes, others, { ...options, parameters: parametersOfAll(definitions) });
  const types =
    asked === undefined ? offeredTypes(definitions, compartment) : readTypes(definitions, compartment, asked);
  const members = types.map((type) => ({
    type,
    parameters: storedParameters(definitions, compartment.type, type),
  }));
  return Object.freeze({
    ...query,
    compartment,
    members,
    sort: [],
    understood: asked === undefined ? query.understood : [['_type', asked] as const, ...query.understood],
    warnings: [...notes.warnings, ...query.warnings],
  });
}

function storedParameters(definitions: Definitions, compartmentType: string, type: string): readonly string[] {
  const parameters = indexedParameters(definitions, type);
  const codes = compartmentParameters(definitions, compartmentType, type) ?? [];
  return [...new Set(codes.map((code) => linkParameter(parameters.get(code) ?? { code }, compartmentType)))];
}

/** Every type has it in the same column. */
function parametersOfAll(definitions: Definitions): ReadonlyMap<string, IndexedParameter> {
  return new Map([...indexedParameters(definitions, 'Basic')].filter(([code]) => code === '_lastUpdated'));
}

function offeredTypes(definitions: Definitions, { type }: CompartmentName): readonly string[] {
  return compartmentTypes(definitions, type).filter((member) => !apart.has(member));
}

function readTypes(definitions: Definitions, compartment: CompartmentName, value: string): readonly string[] {
  const offered = new Set(offeredTypes(definitions, compartment));
  const types = value.split(',', offered.size + 1);
  if (types.length > offered.size || !types.every((type) => offered.has(type))) {
    throw invalidValue('_type', `a list of types that ${compartment.type}/[id]/* gives`);
  }
  return [...new Set(types)].sort();
}
