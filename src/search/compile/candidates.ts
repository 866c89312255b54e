// The statement for a search with conditions: all resources that meet the indexed ones first, bounded, then order and page.
// The planner would rather walk the sort index and filter, which reads everything when nothing matches.

import type { Include } from '../search-query.ts';
import type { Condition } from './condition.ts';
import { selectPage } from './select-page.ts';
import { isBehind, keyColumns, orderBy, type SortOrder, type SortPosition } from './sort.ts';
import { longTests, startsOf, startTests } from './span-starts.ts';
import {
  type DateCondition,
  dateTest,
  entryTest,
  isLive,
  isOfType,
  momentTest,
  type SqlContext,
  type TokenCondition,
  tokenTests,
} from './sql.ts';

/** More candidates are not gathered: the search then walks in its order, or is too costly. */
export const candidatesMax = 5000;

export interface PageOptions {
  readonly order: SortOrder;
  readonly after: SortPosition | undefined;
  readonly count: number;
  readonly includes: readonly Include[];
}

/** The conditions by how they are tested. */
export interface SortedConditions {
  readonly tokens: readonly TokenCondition[];
  readonly ids: readonly (readonly string[])[];
  readonly dates: readonly DateCondition[];
  readonly lastUpdated: readonly (Condition & { kind: 'lastUpdated' })[];
}

export function sortConditions(conditions: readonly Condition[]): SortedConditions {
  return {
    tokens: conditions.filter((condition) => condition.kind === 'tokens'),
    ids: conditions.flatMap((condition) => (condition.kind === 'ids' ? [condition.ids] : [])),
    dates: conditions.filter((condition) => condition.kind === 'date'),
    lastUpdated: conditions.filter((condition) => condition.kind === 'lastUpdated'),
  };
}

export function candidateStatement(conditions: SortedConditions, options: PageOptions, context: SqlContext): string {
  const { order, after, count, includes } = options;
  const anchor = anchorOf(conditions, candidatesMax + 1, context);
  const limit = context.values.bind(count + 1);
  return `WITH anchor AS MATERIALIZED (${anchor.sql}),
  candidate AS MATERIALIZED (
    SELECT a.id, a.last_updated${keyColumns(order, 'a', context)} FROM anchor a
    WHERE (SELECT count(*) FROM anchor) <= ${candidatesMax} AND ${all(residualTests(conditions, anchor.met, 'a', context))}),
  page AS MATERIALIZED (
    SELECT c.* FROM candidate c WHERE ${isBehind(after, order, (index) => `c.k${index + 1}`, 'c.id', context)}
    ORDER BY ${orderBy(order, 'c')} LIMIT ${limit}),
  state AS (
    SELECT (SELECT count(*) FROM anchor) > ${candidatesMax} AS overflow, (SELECT count(*) FROM candidate)::integer AS matched)${selectPage(order, includes, count, context)}`;
}

/** Counts what meets all conditions, up to `countMax`. */
export function countStatement(conditions: SortedConditions, countMax: number, context: SqlContext): string {
  const anchor = anchorOf(conditions, undefined, context);
  return `SELECT count(*)::integer AS total FROM (
    SELECT FROM (${anchor.sql}) a WHERE ${all(residualTests(conditions, anchor.met, 'a', context))}
    LIMIT ${context.values.bind(countMax + 1)}) counted`;
}

interface Anchor {
  readonly sql: string;
  /** The conditions its rows meet already. */
  readonly met: ReadonlySet<Condition>;
}

/** Chooses the index to start from: ids, tokens, the order of one date, or the whole type by last update. */
function anchorOf(conditions: SortedConditions, limit: number | undefined, context: SqlContext): Anchor {
  const { tokens, ids, dates, lastUpdated } = conditions;
  const [narrowestDate] = [...dates].sort((a, b) => openness(a) - openness(b));
  const isLiveType = `${isOfType('r', context)} AND ${isLive('r', context)}${limitTo(limit)}`;
  if (ids.length > 0) {
    const byId = ids.map((list) => `r.id = ANY(${context.values.bind(list)}::text[])`);
    const tests = [...byId, ...tokenTests(tokens, 'r', context)].join(' AND ');
    return {
      sql: `SELECT r.id, r.last_updated FROM ${context.view} r WHERE ${tests} AND ${isLiveType}`,
      met: new Set(),
    };
  }
  if (tokens.length > 0) {
    // A token says its type itself: the fence keeps the planner from reading the whole type to save itself a filter.
    const byToken = `SELECT r.* FROM ${context.view} r WHERE ${tokenTests(tokens, 'r', context).join(' AND ')} OFFSET 0`;
    return { sql: `SELECT r.id, r.last_updated FROM (${byToken}) r WHERE ${isLiveType}`, met: new Set() };
  }
  if (narrowestDate) {
    return { sql: dateAnchor(narrowestDate, limit, context), met: new Set([narrowestDate]) };
  }
  const byTime = lastUpdated.map(({ tests }) => `${momentTest(tests, 'r.last_updated', context)} AND `).join('');
  return {
    sql: `SELECT r.id, r.last_updated FROM ${context.view} r WHERE ${byTime}${isLiveType}`,
    met: new Set(lastUpdated),
  };
}

/** Bounded on both sides first. */
function openness(condition: DateCondition): number {
  const { from, to } = startsOf(condition);
  return Number(from === undefined) + Number(to === undefined);
}

/** Resources by one date condition, from the index on the start of spans. */
function dateAnchor(condition: DateCondition, limit: number | undefined, context: SqlContext): string {
  const ofType = isOfType('d', context);
  const parameter = context.values.bind(condition.parameter);
  const short = `SELECT ${condition.isSingle ? '' : 'DISTINCT '}d.id FROM date_value d WHERE ${ofType}
    AND d.parameter = ${parameter} AND ${all([...startTests(condition, 'd', context), entryTest(condition, 'd', context)])}${limitTo(limit)}`;
  const long = () => `SELECT r.id FROM resource r WHERE ${longTests(condition, 'r', context)}${limitTo(limit)}`;
  const ids = startsOf(condition).from === undefined ? short : `(${short}) UNION (${long()})`;
  return `SELECT r.id, r.last_updated FROM (${ids}) f
    CROSS JOIN LATERAL (SELECT r.id, r.last_updated, r.deleted FROM resource r
      WHERE ${isOfType('r', context)} AND r.id = f.id OFFSET 0) r
    WHERE ${isLive('r', context)}${limitTo(limit)}`;
}

/** What is left to test on a row of the anchor. */
export function residualTests(
  { dates, lastUpdated }: SortedConditions,
  met: ReadonlySet<Condition>,
  alias: string,
  context: SqlContext,
): string[] {
  return [
    ...lastUpdated
      .filter((condition) => !met.has(condition))
      .map(({ tests }) => momentTest(tests, `${alias}.last_updated`, context)),
    ...dates.filter((condition) => !met.has(condition)).map((condition) => dateTest(condition, alias, context)),
  ];
}

function limitTo(limit: number | undefined): string {
  return limit === undefined ? '' : ` LIMIT ${limit}`;
}

export function all(tests: readonly string[]): string {
  return tests.length === 0 ? 'true' : tests.join(' AND ');
}
