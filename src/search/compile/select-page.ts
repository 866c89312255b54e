// The end of every search statement: the bodies of the page's resources and of what they include: https://hl7.org/fhir/R4/search.html#include

import type { Include } from '../search-query.ts';
import { orderBy, type SortOrder } from './sort.ts';
import { isLive, isOfType, type SqlContext } from './sql.ts';

/** More resources are not sent along with a page. */
export const includesMax = 1000;

/** One row of a search statement; without resource when nothing was found, for `overflow` and `matched` must be told. */
export interface SearchRow {
  /** The bound on rows was reached before the answer was complete. */
  readonly overflow: boolean;
  /** All matches on all pages, where the statement got to know them. */
  readonly matched: number | null;
  readonly mode: 'match' | 'include' | null;
  readonly type: string;
  readonly id: string;
  readonly version_id: number;
  readonly last_updated: Date;
  readonly deleted: boolean;
  readonly content: Buffer | null;
  readonly object_id: string | null;
  /** The ids of the page's resources that lead to this include. */
  readonly sources: readonly string[] | null;
  /** Sort keys; PostgreSQL's infinities arrive as numbers. */
  readonly k1?: Date | number | null;
  readonly k2?: Date | number | null;
  readonly k3?: Date | number | null;
}

/**
 * Continues a list of CTEs that has `page` (id, last_updated, k1, ...) with one row more than is shown, and `state`
 * (overflow, matched).
 */
export function selectPage(order: SortOrder, includes: readonly Include[], count: number, context: SqlContext): string {
  const keys = order.keys.map((_, index) => `k${index + 1}`);
  const body =
    context.view === 'resource'
      ? 'r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id'
      : "'AuditEvent'::text AS type, r.id, 1 AS version_id, r.last_updated, false AS deleted, r.content, NULL::uuid AS object_id";
  // An AuditEvent's partition is told by its time.
  const isSame = context.view === 'resource' ? 'r.id = p.id' : 'r.id = p.id AND r.last_updated = p.last_updated';
  const matches = `SELECT 'match' AS mode, ${body}, NULL::text[] AS sources, p.position${list(keys, 'p.')}
    FROM (SELECT p.*, row_number() OVER (ORDER BY ${orderBy(order, 'p')}) AS position FROM page p) p
    JOIN ${context.view} r ON ${isOfType('r', context)} AND ${isSame}`;
  const select = (rows: string) => `
SELECT s.overflow, s.matched, f.* FROM state s LEFT JOIN (
  ${rows}) f ON true ORDER BY f.position NULLS LAST`;
  if (includes.length === 0) return select(matches);
  const shown = `,
  shown AS MATERIALIZED (SELECT p.id FROM page p ORDER BY ${orderBy(order, 'p')} LIMIT ${context.values.bind(count)})`;
  return `${shown}${select(`${matches}\n  UNION ALL\n  ${selectIncludes(includes, keys, context)}`)}`;
}

function list(keys: readonly string[], prefix: string): string {
  return keys.map((key) => `, ${prefix}${key}`).join('');
}

/** Targets of the page's references, each once, without those that are matches of the page themselves. */
function selectIncludes(includes: readonly Include[], keys: readonly string[], context: SqlContext): string {
  const { values, type } = context;
  const parameters = values.bind(includes.map(({ parameter }) => parameter));
  const targetTypes = values.bind(includes.map(({ targetType }) => targetType ?? '*'));
  return `SELECT 'include', r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id, i.sources, NULL${keys.map(() => ', NULL').join('')}
  FROM (
    SELECT f.target_type, f.target_id, array_agg(DISTINCT f.source_id) AS sources FROM shown p
    CROSS JOIN LATERAL (
      SELECT f.target_type, f.target_id, f.source_id FROM reference f
      WHERE f.source_type = ${type} AND f.source_id = p.id AND EXISTS (
        SELECT FROM unnest(${parameters}::text[], ${targetTypes}::text[]) AS wanted(parameter, target_type)
        WHERE wanted.parameter IN (f.parameter, '*') AND wanted.target_type IN (f.target_type, '*')) OFFSET 0) f
    GROUP BY f.target_type, f.target_id ORDER BY f.target_type, f.target_id LIMIT ${includesMax + 1}) i
  CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE r.type = i.target_type AND r.id = i.target_id OFFSET 0) r
  WHERE ${isLive('r', context)} AND NOT (r.type = ${type} AND r.id IN (SELECT p.id FROM shown p))`;
}
