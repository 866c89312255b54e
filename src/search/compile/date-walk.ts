// The walk for a search sorted by a date: along the index on the start of its spans.

import type { IndexedParameter } from '../search-parameters.ts';
import { all, candidatesMax, type SortedConditions } from './candidates.ts';
import { isBehind, readsDown } from './sort.ts';
import { earlierTests, longTests, startsOf, startTests } from './span-starts.ts';
import { type DateCondition, entryTest, isOfType } from './sql.ts';
import { type UndatedSteps, undatedSteps } from './undated.ts';
import { type ParameterWalk, walkMax } from './walk-bounds.ts';

/** The CTEs `page` and `state`; `others` are those that come last or out of the walk's range. */
export function dateWalk(walk: ParameterWalk, conditions: SortedConditions): string {
  const { page, limit } = walk;
  const direction = readsDown(page.order) ? ' DESC' : '';
  const asked = conditions.dates.filter(({ parameter }) => parameter === walk.parameter.code);
  const bound = boundOf(conditions, walk.parameter);
  const path = walkPath(walk, bound, metByWalk(conditions, walk.parameter));
  const others = asked.length > 0 ? before(walk, bound) : undatedSteps(walk);
  return `dated AS MATERIALIZED (${dated(walk, path)}),
  ${others?.ctes ?? ''}page AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM dated${others ? ` UNION ALL ${others.rows}` : ''}) p ORDER BY p.k1${direction}, p.id${direction} LIMIT ${limit}),
  state AS (
    SELECT ${others?.isBeyond ?? 'false'} OR (SELECT count(*) FROM dated) < ${limit} AND EXISTS (
      SELECT FROM date_value d WHERE ${path} ORDER BY d.low${direction}, d.id${direction} OFFSET ${page.rowsMax ?? walkMax} LIMIT 1)
      AS overflow, NULL::integer AS matched)`;
}

/** Of a single value all conditions hold at once, so the walk need only pass where they can. */
function boundOf({ dates }: SortedConditions, { code }: IndexedParameter): DateCondition | undefined {
  return dates.find(({ isSingle, parameter }) => isSingle && parameter === code);
}

/** The condition that holds for all that is walked past; of several alternatives there may be years between. */
export function metByWalk(conditions: SortedConditions, parameter: IndexedParameter): DateCondition | undefined {
  const bound = boundOf(conditions, parameter);
  return bound?.tests.every(({ length }) => length === 1) ? bound : undefined;
}

function walkPath(
  { parameter, page, context }: ParameterWalk,
  bound: DateCondition | undefined,
  met: DateCondition | undefined,
): string {
  return all([
    isOfType('d', context),
    `d.parameter = ${context.values.bind(parameter.code)}`,
    ...(bound ? startTests(bound, 'd', context) : []),
    ...(met ? [entryTest(met, 'd', context)] : []),
    isBehind(page.after, page.order, () => 'd.low', 'd.id', context),
  ]);
}

/** Of several dates of a resource only the one that sorts first counts. */
function dated({ parameter, page, tests, limit, context }: ParameterWalk, path: string): string {
  const sign = page.order.idDescends ? '>' : '<';
  const direction = readsDown(page.order) ? ' DESC' : '';
  return `
    SELECT r.id, r.last_updated, w.low AS k1 FROM (
      SELECT DISTINCT d.low, d.id FROM (
        SELECT d.low, d.id FROM date_value d WHERE ${path} ORDER BY d.low${direction}, d.id${direction} LIMIT ${page.rowsMax ?? walkMax}) d
      ORDER BY d.low${direction}, d.id${direction}) w
    CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE ${isOfType('r', context)} AND r.id = w.id OFFSET 0) r
    WHERE NOT EXISTS (SELECT FROM date_value d WHERE ${isOfType('d', context)} AND d.id = w.id
        AND d.parameter = ${context.values.bind(parameter.code)} AND d.low ${sign} w.low OFFSET 0)
      AND ${tests}
    ORDER BY w.low${direction}, w.id${direction} LIMIT ${limit}`;
}

/** The step with spans that start before the walk does. */
function before(walk: ParameterWalk, bound: DateCondition | undefined): UndatedSteps | undefined {
  const long = longBefore(walk, bound);
  if (long === undefined) return undefined;
  return {
    ctes: `others AS MATERIALIZED (${long}),
  `,
    rows: 'SELECT * FROM others',
    isBeyond: `(SELECT count(*) FROM others) > ${candidatesMax}`,
  };
}

function longBefore(walk: ParameterWalk, bound: DateCondition | undefined): string | undefined {
  const { parameter, page, tests, context } = walk;
  const from = bound && startsOf(bound).from;
  if (!bound || from === undefined) return undefined;
  const ofParameter = `${isOfType('d', context)} AND d.parameter = ${context.values.bind(parameter.code)}`;
  const isBehindPlace = isBehind(page.after, page.order, () => 'd.low', 'd.id', context);
  const long = `
    SELECT r.id, r.last_updated, d.low AS k1 FROM resource r
    JOIN date_value d ON ${ofParameter} AND d.id = r.id
    WHERE ${longTests(bound, 'r', context)} AND NOT (${startTests(bound, 'd', context).join(' AND ')})
      AND ${isBehindPlace} AND ${tests} LIMIT ${candidatesMax + 1}`;
  const earlier = earlierTests(bound, 'd', context);
  if (!earlier) return long;
  return `(${long}) UNION (
    SELECT r.id, r.last_updated, w.low AS k1 FROM (
      SELECT d.id, d.low FROM date_value d
      WHERE ${all([ofParameter, ...earlier, entryTest(bound, 'd', context), isBehindPlace])} LIMIT ${candidatesMax + 1}) w
    CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE ${isOfType('r', context)} AND r.id = w.id OFFSET 0) r
    WHERE ${tests})`;
}
