// Sort keys and the place in their order where a page begins: https://hl7.org/fhir/R4/search.html#sort

import { streamOf } from '../ordered-values.ts';
import type { SortKey } from '../search-query.ts';
import { sliceSql } from '../slices.ts';
import type { SqlContext } from './sql.ts';

/** A row's place in the order of a search: its sort keys, null where it has no value, then its id. */
export interface SortPosition {
  readonly keys: readonly (string | number | null)[];
  readonly id: string;
}

/** Which page is wanted; what a cursor carries. */
export interface PagePlace {
  /** The page that ends before the position, rather than the one that begins behind it. */
  readonly isBackward: boolean;
  /** Absent: from the very end of the list, that is its first or its last page. */
  readonly position?: SortPosition;
  /** The list is in the order of slices, for nobody asked for one: see slicing.ts. */
  readonly isSliced?: boolean;
}

/** The order of a search as it was asked for: moments `k1`, `k2`, ... then the id, which decides between equals. */
export interface SortOrder {
  readonly keys: readonly (SortKey & { readonly by: Exclude<SortKey['by'], 'id'> })[];
  readonly idDescends: boolean;
  /** Rows are read from the last to the first. Which value of a resource counts stays the same. */
  readonly isReversed: boolean;
  /** Before the id comes the slice (slices.ts), as `k1`; there is no other key then. */
  readonly isSliced?: true;
}

/** Nothing after the id matters; without one it follows the last key. */
export function sortOrder(sort: readonly SortKey[], isReversed = false): SortOrder {
  const keys: SortOrder['keys'][number][] = [];
  for (const { by, isDescending } of sort) {
    if (by === 'id') return { keys, idDescends: isDescending, isReversed };
    keys.push({ by, isDescending });
  }
  return { keys, idDescends: keys.at(-1)?.isDescending ?? false, isReversed };
}

/** True when ids, and in a walk the key as well, are read from high to low. */
export function readsDown({ idDescends, isReversed }: SortOrder): boolean {
  return idDescends !== isReversed;
}

/** True when the first key is read from high to low. */
export function keyReadsDown({ keys, isReversed }: SortOrder): boolean {
  return (keys[0]?.isDescending ?? false) !== isReversed;
}

/** The column of each key, computed for a candidate row: ` AS k1, ...`, empty for a sort by id. */
export function keyColumns({ keys, isSliced }: SortOrder, alias: string, context: SqlContext): string {
  if (isSliced) return `, ${sliceSql(`${alias}.id`)} AS k1`;
  return keys.map((key, index) => `, ${keyValue(key, alias, context)} AS k${index + 1}`).join('');
}

/**
 * Of several values the one counts that comes first; resources without one come last. A Period or a Range counts from its
 * start, and quantities by their value in base units, whatever those are.
 */
function keyValue({ by, isDescending }: SortOrder['keys'][number], alias: string, context: SqlContext): string {
  if (by === 'lastUpdated') return `${alias}.last_updated`;
  const { table, cast } = columnOf(by);
  const ofResource = `v.type = ${context.type} AND v.id = ${alias}.id AND v.parameter = ${context.values.bind(by.code)}`;
  const ofUnit = isDate(by) ? '' : ` AND v.unit = ${unitOf(streamOf(by).unit, context)}`;
  return `coalesce((SELECT ${isDescending ? 'max' : 'min'}(v.low) FROM ${table} v WHERE ${ofResource}${ofUnit}),
    '${missingKey(by, isDescending)}'${cast})`;
}

export function unitOf(unit: string, { values, tokenOf }: SqlContext): string {
  return `${values.bind(String(tokenOf(unit)))}::bigint`;
}

/** Where the values are and how their type is written. */
function columnOf(by: SortOrder['keys'][number]['by']): { readonly table: string; readonly cast: string } {
  if (isDate(by)) return { table: 'date_value', cast: '::timestamptz' };
  return { table: 'range_value', cast: '::text COLLATE "C"' };
}

/** Everything else is a text: numbers are written so that they sort as numbers do, see exact-number.ts. */
function isDate(by: SortOrder['keys'][number]['by']): boolean {
  return by === 'lastUpdated' || by.kind === 'date';
}

/** Sorts behind every value there is. */
export function missingKey(by: SortOrder['keys'][number]['by'], isDescending: boolean): string {
  if (isDate(by)) return isDescending ? '-infinity' : 'infinity';
  return isDescending ? '' : '~';
}

/** The columns with the keys, for a row of the page. */
export function keyNames({ keys, isSliced }: SortOrder): string[] {
  return isSliced ? ['k1'] : keys.map((_, index) => `k${index + 1}`);
}

export function orderBy({ keys, idDescends, isReversed, isSliced }: SortOrder, alias: string): string {
  const columns = [
    ...(isSliced ? [{ name: 'k1', isDescending: false }] : []),
    ...keys.map(({ isDescending }, index) => ({ name: `k${index + 1}`, isDescending })),
    { name: 'id', isDescending: idDescends },
  ];
  return columns
    .map(({ name, isDescending }) => `${alias}.${name}${isDescending !== isReversed ? ' DESC' : ''}`)
    .join(', ');
}

export interface OrderedColumn {
  readonly sql: string;
  readonly bound: string;
  readonly isDescending: boolean;
}

/** True for rows behind the position in the order they are read, in columns named by `columnNamed`; `true` without a position. */
export function isBehind(
  position: SortPosition | undefined,
  order: SortOrder,
  columnNamed: (index: number) => string,
  idColumn: string,
  { values }: SqlContext,
): string {
  if (!position) return 'true';
  const { isReversed, isSliced } = order;
  const slice = () => ({
    sql: columnNamed(0),
    bound: `${values.bind(position.keys[0])}::text`,
    isDescending: isReversed,
  });
  const columns: OrderedColumn[] = isSliced
    ? [slice()]
    : order.keys.map(({ by, isDescending }, index) => ({
        sql: columnNamed(index),
        bound: `${values.bind(position.keys[index])}${columnOf(by).cast}`,
        isDescending: isDescending !== isReversed,
      }));
  columns.push({ sql: idColumn, bound: `${values.bind(position.id)}::text`, isDescending: readsDown(order) });
  const isUniform = columns.every(({ isDescending }) => isDescending === readsDown(order));
  return isUniform ? rowTest(columns) : stepwiseTest(columns);
}

/** A row comparison is one an index serves. */
function rowTest(columns: readonly OrderedColumn[]): string {
  const sign = columns[0]?.isDescending ? '<' : '>';
  return `(${columns.map(({ sql }) => sql).join(', ')}) ${sign} (${columns.map(({ bound }) => bound).join(', ')})`;
}

function stepwiseTest(columns: readonly OrderedColumn[]): string {
  const steps = columns.map(({ sql, bound, isDescending }, index) => {
    const equal = columns.slice(0, index).map((column) => `${column.sql} = ${column.bound}`);
    return [...equal, `${sql} ${isDescending ? '<' : '>'} ${bound}`].join(' AND ');
  });
  return `(${steps.map((step) => `(${step})`).join(' OR ')})`;
}
