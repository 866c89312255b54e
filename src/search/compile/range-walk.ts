// The walk for a search sorted by numbers, quantities or plain codes: along their index, and that of the resources without one,
// which come last: https://hl7.org/fhir/R4/search.html#sort

import { absentEnd, type OrderedStream, streamOf } from '../ordered-values.ts';
import { all, candidatesMax } from './candidates.ts';
import { numberMark } from './number-walk.ts';
import type { RangeCondition } from './range-sql.ts';
import { type Stretch, stretchOf } from './range-stretch.ts';
import type { PageOptions } from './select-page.ts';
import { isBehind, missingKey, readsDown, unitOf } from './sort.ts';
import { isOfType } from './sql.ts';
import { type ParameterWalk, walkMax } from './walk-bounds.ts';

/** A step of the statement: what it reads of the index in order, and what it finds. */
interface Step {
  readonly name: 'valued' | 'lacking';
  /** Rows `v` of range_value. */
  readonly path: string;
  /** Rows `w` with the sort key `low`. */
  readonly rows: (isWanted: string) => string;
  readonly test: string;
  readonly order: string;
}

/** The CTEs `page` and `state`. What comes second is read where the first does not fill the page. */
export function rangeWalk(walk: ParameterWalk, ranges: readonly RangeCondition[]): string {
  const { page, limit } = walk;
  const direction = readsDown(page.order) ? ' DESC' : '';
  const stream = { ...streamOf(walk.parameter, page.codeText), ...(page.unit !== undefined && { unit: page.unit }) };
  const stretch = stretchOf(ranges, walk.parameter, stream, walk.context);
  const steps = [valued(walk, stream, stretch, direction), lacking(walk, stream, stretch, direction)] as const;
  const reaching = stretch.from === undefined ? undefined : reachingInto(stretch.from, walk, stream);
  const [first, second] = page.order.isReversed ? [steps[1], steps[0]] : steps;
  const isShort = (...names: string[]) =>
    `${names.map((name) => `(SELECT count(*) FROM ${name})`).join(' + ')} < ${limit}`;
  return `${first.name} AS MATERIALIZED (${found(first, 'true', walk)}),
  ${second.name} AS MATERIALIZED (${found(second, isShort(first.name), walk)}),
  ${reaching?.ctes ?? ''}page AS MATERIALIZED (
    SELECT * FROM (SELECT * FROM valued UNION ALL SELECT * FROM lacking${reaching?.rows ?? ''}) p ORDER BY p.k1${direction}, p.id${direction} LIMIT ${limit}),
  state AS (
    SELECT ${reaching?.isBeyond ?? ''}(${isShort(first.name)} AND ${hasMore(first, walk)}) OR (${isShort(first.name, second.name)} AND ${hasMore(second, walk)})
      AS overflow, NULL::integer AS matched)`;
}

function found({ rows, test, order }: Step, isWanted: string, { page, tests, limit, context }: ParameterWalk): string {
  return `
    SELECT r.id, r.last_updated, ${keyOf(page)} AS k1 FROM (${rows(isWanted)}) w
    CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE ${isOfType('r', context)} AND r.id = w.id OFFSET 0) r
    WHERE ${all([test, tests])} ORDER BY ${order} LIMIT ${limit}`;
}

/** Of a row `w`. */
function keyOf({ unit }: PageOptions): string {
  return unit === undefined ? 'w.low' : `'${numberMark}' || w.low`;
}

function hasMore({ path, order }: Step, { page: { rowsMax = walkMax } }: ParameterWalk): string {
  return `EXISTS (SELECT FROM range_value v WHERE ${path} ORDER BY ${order.replaceAll('w.', 'v.')} OFFSET ${rowsMax} LIMIT 1)`;
}

/** Of several values of a resource only the one that sorts first counts, and a value once. */
function valued(
  { page, context }: ParameterWalk,
  stream: OrderedStream,
  { tests, who }: Stretch,
  direction: string,
): Step {
  const inStream = (alias: string) => rowsOf(stream, stream.unit, alias, context);
  const isBehindPlace = isBehind(page.after, page.order, () => 'v.low', 'v.id', context);
  const path = all([inStream('v'), isBehindPlace, ...tests, ...(who === 'absent' ? ['false'] : [])]);
  const order = `w.low${direction}, w.id${direction}`;
  const sign = page.order.idDescends ? '>' : '<';
  const isFirst = () =>
    `NOT EXISTS (SELECT FROM range_value v WHERE ${inStream('v')} AND v.id = w.id AND v.low ${sign} w.low OFFSET 0)`;
  return {
    name: 'valued',
    path,
    rows: (isWanted) => `
      SELECT${stream.isSingle ? '' : ' DISTINCT'} v.low, v.id FROM (
        SELECT v.low, v.id FROM range_value v WHERE ${isWanted} AND ${path}
        ORDER BY v.low${direction}, v.id${direction} LIMIT ${page.rowsMax ?? walkMax}) v
      ORDER BY v.low${direction}, v.id${direction}`,
    test: stream.isSingle ? 'true' : isFirst(),
    order,
  };
}

/** In the order of their ids. */
function lacking(
  { parameter, page, context }: ParameterWalk,
  stream: OrderedStream,
  { who }: Stretch,
  direction: string,
): Step {
  const { after, order } = page;
  const missing = missingKey(parameter, order.idDescends);
  const isAmong = after?.keys[0] === missing;
  const isNone = who === 'valued' || (order.isReversed && after && !isAmong);
  const bound = isAmong ? [`v.id ${readsDown(order) ? '<' : '>'} ${context.values.bind(after.id)}`] : [];
  const inStream = rowsOf(stream, stream.absentUnit, 'v', context);
  const path = all([inStream, `v.low = '${absentEnd}'`, ...bound, ...(isNone ? ['false'] : [])]);
  return {
    name: 'lacking',
    path,
    rows: (isWanted) => `
      SELECT '${missing}'::text COLLATE "C" AS low, v.id FROM range_value v WHERE ${isWanted} AND ${path}
      ORDER BY v.id${direction} LIMIT ${page.rowsMax ?? walkMax}`,
    test: 'true',
    order: `w.id${direction}`,
  };
}

/** Ranges that begin before the stretch, from the index on their high ends; they stand before all that is in it, or behind. */
function reachingInto(from: string, { page, tests, context }: ParameterWalk, stream: OrderedStream) {
  const inStream = rowsOf(stream, stream.unit, 'v', context);
  const isBehindPlace = isBehind(page.after, page.order, () => 'v.low', 'v.id', context);
  return {
    ctes: `ranges AS MATERIALIZED (
    SELECT v.low, v.id FROM range_value v
    WHERE ${inStream} AND v.low < v.high AND v.high >= ${from} AND v.low < ${from} AND ${isBehindPlace} LIMIT ${candidatesMax + 1}),
  reaching AS MATERIALIZED (
    SELECT r.id, r.last_updated, ${keyOf(page)} AS k1 FROM ranges w
    CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE ${isOfType('r', context)} AND r.id = w.id OFFSET 0) r WHERE ${tests}),
  `,
    rows: ' UNION ALL SELECT * FROM reaching',
    isBeyond: `(SELECT count(*) FROM ranges) > ${candidatesMax} OR `,
  };
}

function rowsOf({ parameter }: OrderedStream, unit: string, alias: string, context: ParameterWalk['context']): string {
  return all([
    isOfType(alias, context),
    `${alias}.parameter = ${context.values.bind(parameter)}`,
    `${alias}.unit = ${unitOf(unit, context)}`,
  ]);
}
