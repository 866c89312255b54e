// The walk for a search sorted by a date: along the index on the start of its spans.

import { noSpan } from '../date-span.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import { calendarText } from '../token-text.ts';
import { all, candidatesMax, type SortedConditions } from './candidates.ts';
import type { PageOptions } from './select-page.ts';
import { isBehind, missingKey, readsDown } from './sort.ts';
import { longTests, startsOf, startTests } from './span-starts.ts';
import { type DateCondition, isOfType, type SqlContext, tokenTests } from './sql.ts';
import { walkMax } from './walk-bounds.ts';

interface DateWalk {
  readonly parameter: IndexedParameter;
  readonly page: PageOptions;
  /** What must hold for a resource `r`. */
  readonly tests: string;
  readonly limit: string;
  readonly context: SqlContext;
}

/** The CTEs `page` and `state`; `others` are those that come last or out of the walk's range. */
export function dateWalk(walk: DateWalk, conditions: SortedConditions): string {
  const { page, limit } = walk;
  const direction = readsDown(page.order) ? ' DESC' : '';
  const asked = conditions.dates.filter(({ parameter }) => parameter === walk.parameter.code);
  // Of a single value all conditions hold at once, so the walk need only pass where they can.
  const bound = asked.find(({ isSingle }) => isSingle);
  const path = walkPath(walk, bound);
  const others = asked.length > 0 ? longBefore(walk, bound) : undated(walk);
  return `dated AS MATERIALIZED (${dated(walk, path)}),
  others AS MATERIALIZED (${others}),
  page AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM dated UNION ALL SELECT * FROM others) p ORDER BY p.k1${direction}, p.id${direction} LIMIT ${limit}),
  state AS (
    SELECT (SELECT count(*) FROM others) > ${candidatesMax} OR (SELECT count(*) FROM dated) < ${limit} AND EXISTS (
      SELECT FROM date_value d WHERE ${path} ORDER BY d.low${direction}, d.id${direction} OFFSET ${walkMax} LIMIT 1)
      AS overflow, NULL::integer AS matched)`;
}

function walkPath({ parameter, page, context }: DateWalk, bound: DateCondition | undefined): string {
  return all([
    isOfType('d', context),
    `d.parameter = ${context.values.bind(parameter.code)}`,
    ...(bound ? startTests(bound, 'd', context) : []),
    isBehind(page.after, page.order, () => 'd.low', 'd.id', context),
  ]);
}

/** Of several dates of a resource only the one that sorts first counts. */
function dated({ parameter, page, tests, limit, context }: DateWalk, path: string): string {
  const sign = page.order.idDescends ? '>' : '<';
  const direction = readsDown(page.order) ? ' DESC' : '';
  return `
    SELECT r.id, r.last_updated, w.low AS k1 FROM (
      SELECT DISTINCT d.low, d.id FROM (
        SELECT d.low, d.id FROM date_value d WHERE ${path} ORDER BY d.low${direction}, d.id${direction} LIMIT ${walkMax}) d
      ORDER BY d.low${direction}, d.id${direction}) w
    CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE ${isOfType('r', context)} AND r.id = w.id OFFSET 0) r
    WHERE NOT EXISTS (SELECT FROM date_value d WHERE ${isOfType('d', context)} AND d.id = w.id
        AND d.parameter = ${context.values.bind(parameter.code)} AND d.low ${sign} w.low OFFSET 0)
      AND ${tests}
    ORDER BY w.low${direction}, w.id${direction} LIMIT ${limit}`;
}

/** Long spans that start before the walk does. */
function longBefore(walk: DateWalk, bound: DateCondition | undefined): string {
  const { parameter, page, tests, context } = walk;
  const from = bound && startsOf(bound).from;
  if (!bound || from === undefined) return noRows;
  return `
    SELECT r.id, r.last_updated, d.low AS k1 FROM resource r
    JOIN date_value d ON ${isOfType('d', context)} AND d.id = r.id AND d.parameter = ${context.values.bind(parameter.code)}
    WHERE ${longTests(bound, 'r', context)} AND NOT (${startTests(bound, 'd', context).join(' AND ')})
      AND ${isBehind(page.after, page.order, () => 'd.low', 'd.id', context)} AND ${tests} LIMIT ${candidatesMax + 1}`;
}

/** Resources without this date come last, when the dated ones do not fill the page; backward they are what comes first. */
function undated(walk: DateWalk): string {
  const { parameter, page, tests, limit, context } = walk;
  const missing = missingKey(parameter, page.order.idDescends);
  if (page.order.isReversed && page.after && page.after.keys[0] !== missing) return noRows;
  const isWanted = page.order.isReversed ? 'true' : `(SELECT count(*) FROM dated) < ${limit}`;
  const none = tokenTests([{ kind: 'tokens', anyOf: [[calendarText(parameter.key, noSpan)]] }], 'r', context);
  const key = `'${missing}'::timestamptz`;
  return `
    SELECT r.id, r.last_updated, ${key} AS k1 FROM resource r
    WHERE ${isWanted} AND ${isOfType('r', context)} AND ${none.join(' AND ')}
      AND ${isBehind(page.after, page.order, () => key, 'r.id', context)} AND ${tests} LIMIT ${candidatesMax + 1}`;
}

const noRows = 'SELECT r.id, r.last_updated, r.last_updated AS k1 FROM resource r WHERE false';
