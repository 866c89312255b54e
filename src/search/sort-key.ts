// The value of a resource that a sort compares: of several the one that comes first: https://hl7.org/fhir/R4/search.html#sort

import type { Resource } from '@medplum/fhirtypes';
import type { SortOrder, SortPosition } from './compile/sort.ts';
import { spanOf } from './date-span.ts';
import { quantityRanges } from './extract/quantity.ts';
import { searchedTexts } from './extract/string.ts';
import { foldWords } from './fold-text.ts';
import { hasOrder } from './ordered-values.ts';
import type { IndexedParameter, SearchKind } from './search-parameters.ts';
import type { SortKey } from './search-query.ts';
import { normalizeContact } from './token-text.ts';

type KeyValue = SortPosition['keys'][number];

/** What follows does not count, so that a cursor stays short. */
const keyLengthMax = 60;

/** What each value is sorted by; of most kinds the database keeps keyed tokens only, which have no order. */
const readers: Partial<Record<SearchKind, (value: unknown, parameter: IndexedParameter) => KeyValue[]>> = {
  string: textKeys,
  token: tokenKeys,
  uri: (value) => (typeof value === 'string' ? [value] : []),
  reference: referenceKeys,
  date: startOf,
  identifyingDate: startOf,
  number: numberKeys,
  quantity: numberKeys,
};

/** True where an index or a column has the order. */
export function isOrdered({ by }: SortKey): boolean {
  return typeof by === 'string' || by.kind === 'date' || hasOrder(by);
}

export function isSortable({ kind }: IndexedParameter): boolean {
  return Object.hasOwn(readers, kind);
}

/** The sort keys of an opened resource, null where it has no value. */
export function positionIn(
  { keys }: SortOrder,
  row: { readonly id: string; readonly last_updated: Date },
  resource: Resource,
): SortPosition {
  return {
    id: row.id,
    keys: keys.map(({ by, isDescending }) =>
      by === 'lastUpdated' ? row.last_updated.getTime() : firstKey(by, isDescending, resource),
    ),
  };
}

/** Negative when the first comes before the second; what has no value comes last in both directions. */
export function comparePositions(order: SortOrder, a: SortPosition, b: SortPosition): number {
  for (const [index, { isDescending }] of order.keys.entries()) {
    const compared = compareKeys(a.keys[index] ?? null, b.keys[index] ?? null, isDescending);
    if (compared !== 0) return compared;
  }
  return compareKeys(a.id, b.id, order.idDescends);
}

function firstKey(parameter: IndexedParameter, isDescending: boolean, resource: Resource): KeyValue {
  const read = readers[parameter.kind];
  const keys = read ? parameter.read(resource).flatMap((value) => read(value, parameter)) : [];
  const bounded = keys.map((key) => (typeof key === 'string' ? key.slice(0, keyLengthMax) : key));
  return bounded.reduce((first, key) => (compareKeys(key, first, isDescending) < 0 ? key : first), null);
}

/** By code unit, so that every process has the same order whatever its locale. */
function compareKeys(a: KeyValue, b: KeyValue, isDescending: boolean): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b === isDescending ? 1 : -1;
}

/** A name that is only known to be absent has no text, and is no value to sort by. */
function textKeys(value: unknown): KeyValue[] {
  const text = sortedText(value);
  return text === '' ? [] : [foldWords(text).join(' ')];
}

/** A name by family and given name, an address by its lines; by its text where that is all there is. */
function sortedText(value: unknown): string {
  const { text, ...parts } = typeof value === 'object' && value !== null ? (value as { text?: unknown }) : {};
  const texts = typeof value === 'string' ? [value] : searchedTexts(parts);
  return texts.length === 0 && typeof text === 'string' ? text : texts.join(' ');
}

function tokenKeys(value: unknown, { tokenShape }: IndexedParameter): KeyValue[] {
  if (typeof value === 'string' || typeof value === 'boolean') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  const { coding, code, value: plain, text } = value as Partial<Record<string, unknown>>;
  const codes = Array.isArray(coding) ? coding.map((item: { code?: unknown } | null) => item?.code) : [code ?? plain];
  const found = codes.filter((item) => typeof item === 'string');
  if (found.length === 0 && typeof text === 'string') return [text];
  return tokenShape.kind === 'contact' ? found.map(normalizeContact) : found;
}

function referenceKeys(value: unknown): KeyValue[] {
  if (typeof value === 'string') return [value];
  const { reference, identifier } = (value ?? {}) as { reference?: unknown; identifier?: { value?: unknown } };
  const text = reference ?? identifier?.value;
  return typeof text === 'string' ? [text] : [];
}

function startOf(value: unknown): KeyValue[] {
  const span = spanOf(value);
  return span ? [span.low] : [];
}

/** A quantity in base units where it has one. */
function numberKeys(value: unknown, { kind }: IndexedParameter): KeyValue[] {
  const low = quantityRanges(value).at(kind === 'number' ? 0 : -1)?.low;
  return low === undefined ? [] : [low];
}
