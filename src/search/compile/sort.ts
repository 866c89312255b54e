// Sort keys and the place in their order where a page begins: https://hl7.org/fhir/R4/search.html#sort

import type { SortKey } from '../search-query.ts';
import type { SqlContext } from './sql.ts';

/** Where the page before ended: the sort keys' moments as text, then the id; what a cursor carries. */
export interface SortPosition {
  readonly moments: readonly string[];
  readonly id: string;
}

/** The order of a search: moments `k1`, `k2`, ... then the id, which decides between equals. */
export interface SortOrder {
  readonly keys: readonly (SortKey & { readonly by: Exclude<SortKey['by'], 'id'> })[];
  readonly idDescends: boolean;
}

/** Nothing after the id matters; without one it follows the last key. */
export function sortOrder(sort: readonly SortKey[]): SortOrder {
  const keys: SortOrder['keys'][number][] = [];
  for (const { by, isDescending } of sort) {
    if (by === 'id') return { keys, idDescends: isDescending };
    keys.push({ by, isDescending });
  }
  return { keys, idDescends: keys.at(-1)?.isDescending ?? false };
}

/** The column of each key, computed for a candidate row: ` AS k1, ...`, empty for a sort by id. */
export function keyColumns({ keys }: SortOrder, alias: string, context: SqlContext): string {
  return keys.map((key, index) => `, ${keyValue(key, alias, context)} AS k${index + 1}`).join('');
}

/**
 * Of several dates the earliest counts when ascending, the latest when descending; resources without one come last. A
 * Period counts from its start.
 */
function keyValue({ by, isDescending }: SortOrder['keys'][number], alias: string, context: SqlContext): string {
  if (by === 'lastUpdated') return `${alias}.last_updated`;
  const [choose, missing] = isDescending ? ['max', '-infinity'] : ['min', 'infinity'];
  return `coalesce((SELECT ${choose}(d.low) FROM date_value d WHERE d.type = ${context.type} AND d.id = ${alias}.id
    AND d.parameter = ${context.values.bind(by.code)}), '${missing}'::timestamptz)`;
}

export function orderBy({ keys, idDescends }: SortOrder, alias: string): string {
  const parts = keys.map(({ isDescending }, index) => `${alias}.k${index + 1}${isDescending ? ' DESC' : ''}`);
  return [...parts, `${alias}.id${idDescends ? ' DESC' : ''}`].join(', ');
}

export interface OrderedColumn {
  readonly sql: string;
  readonly bound: string;
  readonly isDescending: boolean;
}

/** True for rows behind the position, in columns named by `columnOf`; `true` when the page is the first. */
export function isBehind(
  position: SortPosition | undefined,
  order: SortOrder,
  columnOf: (index: number) => string,
  idColumn: string,
  { values }: SqlContext,
): string {
  if (!position) return 'true';
  const columns: OrderedColumn[] = order.keys.map(({ isDescending }, index) => {
    return { sql: columnOf(index), bound: `${values.bind(position.moments[index])}::timestamptz`, isDescending };
  });
  columns.push({ sql: idColumn, bound: `${values.bind(position.id)}::text`, isDescending: order.idDescends });
  const isUniform = columns.every(({ isDescending }) => isDescending === order.idDescends);
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
