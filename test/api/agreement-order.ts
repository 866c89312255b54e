// Whether a page after page answer stands in the order that was asked for: https://hl7.org/fhir/R4/search.html#sort

import type { Resource } from '@medplum/fhirtypes';
import { spanOfValue } from '../search/reference/date.ts';
import { exactOf } from '../search/reference/number.ts';
import { parametersOf, type ReferenceParameter, valuesOf } from '../search/reference/parameters.ts';
import { placeOfQuantity } from '../search/reference/quantity.ts';

/** By what each type can be asked for: these date parameters have one value at most, but that of MedicationRequests. */
const dated: ReadonlySet<string> = new Set([
  ...['Observation', 'Encounter', 'Appointment', 'RiskAssessment', 'ValueSet', 'MedicationRequest'],
]);

const sorts = ['', '', '_id', '-_id', '_lastUpdated', '-_lastUpdated', '-_lastUpdated,_id'];
const dateSorts = ['date', '-date', 'date', '-date', '-date,_id', 'date,-_id', 'date,-_lastUpdated'];
/** By numbers, quantities, and codes that are stored in order. */
const valued: Readonly<Record<string, readonly string[]>> = {
  Appointment: ['status', '-status', 'status,-date'],
  Condition: ['onset-age', '-onset-age'],
  Encounter: ['status', '-status', 'length', '-length', '-status,length', 'length,-date'],
  MedicationRequest: ['priority', '-priority', 'status,-priority', 'status,intent'],
  Observation: ['value-quantity', '-value-quantity', '-value-quantity,date', 'component-value-quantity'],
  RiskAssessment: ['probability', '-probability', 'probability,-_id', '-probability,date'],
  ValueSet: ['context-quantity', '-context-quantity'],
};

export function sortsOf(type: string): readonly string[] {
  return [...sorts, ...(dated.has(type) ? dateSorts : []), ...(valued[type] ?? [])];
}

type Key = number | bigint | string;

/** What a sort key is worth; what has none comes last in either direction. */
const keys: Readonly<Record<string, (resource: Resource) => Key | undefined>> = {
  _id: ({ id }) => id,
  _lastUpdated: ({ meta }) => Date.parse(meta?.lastUpdated ?? ''),
};

function keyOf(resource: Resource, rule: string): Key | undefined {
  const code = rule.replace(/^-/, '');
  const read = keys[code];
  if (read) return read(resource);
  const parameter = parametersOf(resource.resourceType).get(code);
  if (!parameter) throw new Error(`${resource.resourceType} has no parameter ${code}`);
  const found = valuesOf(resource, parameter).flatMap((value) => placeOf(value, parameter.type) ?? []);
  // "the sort is based on the item in the set of multiple parameters that comes earliest in the specified sort order".
  const comesFirst = (a: Key, b: Key) => a < b !== rule.startsWith('-');
  return found.reduce<Key | undefined>(
    (first, key) => (first === undefined || comesFirst(key, first) ? key : first),
    undefined,
  );
}

function placeOf(value: unknown, type: ReferenceParameter['type']): Key | undefined {
  if (type === 'date') return spanOfValue(value)?.low;
  if (type === 'quantity') return placeOfQuantity(value);
  if (type === 'number') return typeof value === 'number' ? exactOf(value) : undefined;
  return String(value);
}

/** The first pair of neighbours that stands in the wrong order. */
export function misplaced(found: readonly Resource[], sort: string): readonly [Resource, Resource] | undefined {
  if (sort === '') return undefined;
  for (const [index, next] of found.slice(1).entries()) {
    const before = found[index] as Resource;
    if (compareBy(before, next, sort.split(',')) > 0) return [before, next];
  }
  return undefined;
}

/** Negative where the first stands before the second. */
export function compareBy(a: Resource, b: Resource, rules: readonly string[]): number {
  for (const rule of rules) {
    const [x, y] = [keyOf(a, rule), keyOf(b, rule)];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? 1 : -1;
    return (x < y ? -1 : 1) * (rule.startsWith('-') ? -1 : 1);
  }
  return 0;
}
