// The statement for a search without narrow conditions, or with too many candidates: walk in the order of the sort and stop
// when the page is full. Bounded: what is not found within so many rows is too costly.

import { all, residualTests, type SortedConditions, testAll } from './candidates.ts';
import { dateWalk, metByWalk } from './date-walk.ts';
import { composedTest } from './linked.ts';
import { rangeWalk } from './range-walk.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { isBehind, readsDown, type SortOrder } from './sort.ts';
import { foundColumns, isOfType, momentTest, type SqlContext, tokenTests } from './sql.ts';
import { walkMax } from './walk-bounds.ts';

/** True when an index has this order: one key at most, and the id in the same direction. */
export function isWalkable({ keys, idDescends }: SortOrder): boolean {
  return keys.length <= 1 && keys.every((key) => key.isDescending === idDescends);
}

export function walkStatement(conditions: SortedConditions, page: PageOptions, context: SqlContext): string {
  const by = page.order.keys[0]?.by;
  const limit = context.values.bind(page.count + 1);
  return `WITH ${walkAlong()}${selectPage(page, context)}`;

  function walkAlong(): string {
    if (by === undefined || by === 'lastUpdated') return resourceWalk(conditions, page, limit, context);
    const met = metByWalk(conditions, by);
    const tested = { ...conditions, dates: conditions.dates.filter((condition) => condition !== met) };
    const walk = { parameter: by, page, tests: resourceTests(tested, context), limit, context };
    return by.kind === 'date' ? dateWalk(walk, conditions) : rangeWalk(walk, conditions.ranges);
  }
}

/** Along the primary key, or the index on last update. */
function resourceWalk(conditions: SortedConditions, page: PageOptions, limit: string, context: SqlContext): string {
  const { order, after, rowsMax = walkMax } = page;
  const isByTime = order.keys.length > 0;
  const direction = readsDown(order) ? ' DESC' : '';
  const inOrder = isByTime ? `r.last_updated${direction}, r.id${direction}` : `r.id${direction}`;
  const path = all([
    isOfType('r', context),
    isBehind(after, order, () => 'r.last_updated', 'r.id', context),
    ...(isByTime ? conditions.lastUpdated.map(({ tests }) => momentTest(tests, 'r.last_updated', context)) : []),
  ]);
  const tests = resourceTests(isByTime ? { ...conditions, lastUpdated: [] } : conditions, context);
  const deleted = context.view === 'resource' ? ', r.deleted' : '';
  return `page AS MATERIALIZED (
    SELECT ${foundColumns('r', context)}${isByTime ? ', r.last_updated AS k1' : ''} FROM (
      SELECT ${foundColumns('r', context)}, r.tokens${deleted} FROM ${context.rows} r WHERE ${path} ORDER BY ${inOrder} LIMIT ${rowsMax}) r
    WHERE ${tests} ORDER BY ${inOrder} LIMIT ${limit}),
  state AS (
    SELECT (SELECT count(*) FROM page) < ${limit} AND EXISTS (
      SELECT FROM ${context.rows} r WHERE ${path} ORDER BY ${inOrder} OFFSET ${rowsMax} LIMIT 1) AS overflow, NULL::integer AS matched)`;
}

/** All conditions, on a resource `r`. */
function resourceTests(conditions: SortedConditions, context: SqlContext): string {
  return all([
    ...(context.view === 'resource' ? ['NOT r.deleted'] : []),
    ...conditions.ids.map((ids) => `r.id = ANY(${context.values.bind(ids)}::text[])`),
    ...tokenTests(conditions.tokens, 'r', context),
    ...residualTests(conditions, new Set(), 'r', context),
    ...conditions.composed.map((condition) => composedTest(condition, 'r', context, testAll)),
  ]);
}
