// The end of every search statement: the bodies of the page's resources and of what they include: https://hl7.org/fhir/R4/search.html#include

import { type IncludeOptions, includedCtes, includedRows } from './includes.ts';
import { keyNames, orderBy, type SortOrder, type SortPosition } from './sort.ts';
import { isOfType, type SqlContext } from './sql.ts';

export interface PageOptions extends IncludeOptions {
  readonly order: SortOrder;
  readonly after: SortPosition | undefined;
  readonly count: number;
  /** Candidates or rows of a walk, where not as many as a search may have. */
  readonly rowsMax?: number;
  /** All that is found has this code, among whose resources the first sort key has an order of its own: see ordered-values.ts. */
  readonly codeText?: string | undefined;
  /** Where candidates are gathered: so many, where there are no more of them. */
  readonly wholeMax?: number;
  /** The unit along whose values a page goes for which no order was asked: see number-walk.ts. */
  readonly unit?: string;
}

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
  /** True when more resources would be included than are. */
  readonly is_cut?: boolean;
  /** Sort keys: moments, of which PostgreSQL's infinities arrive as numbers, and numbers as texts of exact-number.ts. */
  readonly k1?: Date | number | string | null;
  readonly k2?: Date | number | string | null;
  readonly k3?: Date | number | string | null;
}

/**
 * Continues a list of CTEs that has `page` (`foundColumns`, k1, ...) with one row more than is shown, and `state` (overflow,
 * matched).
 */
export function selectPage({ order, includes, readableTypes, count }: PageOptions, context: SqlContext): string {
  const keys = keyNames(order);
  const columns =
    context.view === 'resource'
      ? 'r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id'
      : "'AuditEvent'::text AS type, p.id, 1 AS version_id, p.last_updated, false AS deleted, p.content, NULL::uuid AS object_id";
  // OFFSET 0 keeps the planner from reading the whole type where it expects a long page.
  const rows =
    context.view === 'resource'
      ? `CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE ${isOfType('r', context)} AND r.id = p.id OFFSET 0) r`
      : '';
  const matches = `SELECT 'match' AS mode, ${columns}, p.position${list(keys, 'p.')}
    FROM (SELECT p.*, row_number() OVER (ORDER BY ${orderBy(order, 'p')}) AS position FROM page p) p
    ${rows}`;
  if (includes.length === 0) {
    return `
SELECT s.overflow, s.matched, f.* FROM state s LEFT JOIN (
  ${matches}) f ON true ORDER BY f.position NULLS LAST`;
  }
  return `,
  shown AS MATERIALIZED (
    SELECT ${context.type}::text AS type, p.id FROM page p ORDER BY ${orderBy(order, 'p')} LIMIT ${context.values.bind(count)}),${includedCtes({ includes, readableTypes }, count, context.values)}
SELECT s.overflow, s.matched, c.is_cut, f.* FROM state s CROSS JOIN cut c LEFT JOIN (
  ${matches}
  UNION ALL
  SELECT i.*, NULL${keys.map(() => ', NULL').join('')} FROM (${includedRows}) i) f ON true ORDER BY f.position NULLS LAST`;
}

function list(keys: readonly string[], prefix: string): string {
  return keys.map((key) => `, ${prefix}${key}`).join('');
}
