// Whether a page after page answer stands in the order that was asked for: https://hl7.org/fhir/R4/search.html#sort

import type { Resource } from '@medplum/fhirtypes';
import { spanOfValue } from '../search/reference/date.ts';
import { parametersOf, valuesOf } from '../search/reference/parameters.ts';

/** By what each type can be asked for: these date parameters have one value at most. */
const dated: ReadonlySet<string> = new Set(['Observation', 'Encounter', 'Appointment', 'RiskAssessment', 'ValueSet']);

const sorts = ['', '', '_id', '-_id', '_lastUpdated', '-_lastUpdated', '-_lastUpdated,_id'];
const dateSorts = ['date', '-date', '-date,_id', 'date,-_lastUpdated'];

export function sortsOf(type: string): readonly string[] {
  return dated.has(type) ? [...sorts, ...dateSorts] : sorts;
}

/** What a sort key is worth; what has none comes last in either direction. */
const keys: Readonly<Record<string, (resource: Resource) => number | string | undefined>> = {
  _id: ({ id }) => id,
  _lastUpdated: ({ meta }) => Date.parse(meta?.lastUpdated ?? ''),
  date: (resource) => {
    const parameter = parametersOf(resource.resourceType).get('date');
    const [value] = parameter ? valuesOf(resource, parameter) : [];
    return spanOfValue(value)?.low;
  },
};

/** The first pair of neighbours that stands in the wrong order. */
export function misplaced(found: readonly Resource[], sort: string): readonly [Resource, Resource] | undefined {
  if (sort === '') return undefined;
  for (const [index, next] of found.slice(1).entries()) {
    const before = found[index] as Resource;
    if (compare(before, next, sort.split(',')) > 0) return [before, next];
  }
  return undefined;
}

function compare(a: Resource, b: Resource, rules: readonly string[]): number {
  for (const rule of rules) {
    const read = keys[rule.replace('-', '')];
    const [x, y] = [read?.(a), read?.(b)];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? 1 : -1;
    return (x < y ? -1 : 1) * (rule.startsWith('-') ? -1 : 1);
  }
  return 0;
}
