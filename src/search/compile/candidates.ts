// The statement for a search with conditions: all resources that meet the indexed ones first, bounded, then order and page.
// The planner would rather walk the sort index and filter, which reads everything when nothing matches.

import type { Condition } from './condition.ts';
import { type ComposedCondition, composedTest, isComposedCondition } from './linked.ts';
import { type RangeCondition, rangeStart, rangeTest } from './range-sql.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { isBehind, keyColumns, orderBy } from './sort.ts';
import { earlierTests, longTests, splitStartTests, startsOf, startTests } from './span-starts.ts';
import {
  type DateCondition,
  dateTest,
  entryTest,
  foundColumns,
  isLive,
  isOfType,
  momentTest,
  type SqlContext,
  type TokenCondition,
  tokenTests,
} from './sql.ts';

/** More candidates are not gathered: the search then walks in its order, or is too costly. */
export const candidatesMax = 5000;

/** The conditions by how they are tested. */
export interface SortedConditions {
  readonly all: readonly Condition[];
  readonly tokens: readonly TokenCondition[];
  readonly ids: readonly (readonly string[])[];
  readonly dates: readonly DateCondition[];
  readonly lastUpdated: readonly (Condition & { kind: 'lastUpdated' })[];
  readonly composed: readonly ComposedCondition[];
  readonly ranges: readonly RangeCondition[];
}

export function sortConditions(conditions: readonly Condition[]): SortedConditions {
  return {
    all: conditions,
    tokens: conditions.filter((condition) => condition.kind === 'tokens'),
    ids: conditions.flatMap((condition) => (condition.kind === 'ids' ? [condition.ids] : [])),
    dates: conditions.filter((condition) => condition.kind === 'date'),
    lastUpdated: conditions.filter((condition) => condition.kind === 'lastUpdated'),
    composed: conditions.filter(isComposedCondition),
    ranges: conditions.filter((condition) => condition.kind === 'range'),
  };
}

/** What a search gathers first. */
export interface Start {
  /** The steps before it, each with a comma. */
  readonly ctes: string;
  /** Gives `foundColumns`. */
  readonly sql: string;
  /** The conditions its rows meet already. */
  readonly met: ReadonlySet<Condition>;
  /** What is left to test of the composed conditions on a row `a`. */
  readonly tests: readonly string[];
  /** True where there is no start small enough. */
  readonly isBeyond?: string;
}

export function candidateStatement(
  conditions: SortedConditions,
  start: Start,
  options: PageOptions,
  context: SqlContext,
): string {
  const { order, after, count, wholeMax, rowsMax = candidatesMax } = options;
  const limit = limitOf(count, wholeMax, context);
  return `WITH ${start.ctes}anchor AS MATERIALIZED (${start.sql}),
  candidate AS MATERIALIZED (
    SELECT ${foundColumns('a', context)}${keyColumns(order, 'a', context)} FROM anchor a
    WHERE (SELECT count(*) FROM anchor) <= ${rowsMax} AND ${all(testsAfter(conditions, start, context))}),
  page AS MATERIALIZED (
    SELECT c.* FROM candidate c WHERE ${isBehind(after, order, (index) => `c.k${index + 1}`, 'c.id', context)}
    ORDER BY ${orderBy(order, 'c')} LIMIT ${limit}),
  state AS (
    SELECT ${isBeyond(start, `(SELECT count(*) FROM anchor) > ${rowsMax}`)} AS overflow, (SELECT count(*) FROM candidate)::integer AS matched)${selectPage(options, context)}`;
}

function limitOf(count: number, wholeMax: number | undefined, { values }: SqlContext): string {
  const limit = values.bind(count + 1);
  if (wholeMax === undefined) return limit;
  return `CASE WHEN (SELECT count(*) FROM candidate) <= ${wholeMax} THEN ${wholeMax} ELSE ${limit}::bigint END`;
}

/** Counts what meets all conditions, up to `countMax`. */
export function countStatement(
  conditions: SortedConditions,
  start: Start,
  countMax: number,
  context: SqlContext,
): string {
  const steps = start.ctes === '' ? '' : `WITH ${start.ctes.replace(/,\s*$/, '')}\n  `;
  return `${steps}SELECT count(*)::integer AS total, NOT ${isBeyond(start, 'false')} AS is_whole FROM (
    SELECT FROM (${start.sql}) a WHERE ${all(testsAfter(conditions, start, context))}
    LIMIT ${context.values.bind(countMax + 1)}) counted`;
}

/** The same among the first rows only, of which the start gives one more than `startMax`; `is_whole` tells whether these are all. */
export function estimateStatement(
  conditions: SortedConditions,
  start: Start,
  { startMax, totalMax }: { readonly startMax: number; readonly totalMax: number },
  context: SqlContext,
): string {
  const tests = testsAfter(conditions, start, context);
  const limit = context.values.bind(totalMax + 1);
  // Without further tests each row counts, and no more than these need to be read.
  if (tests.length === 0) {
    return `SELECT count(*)::integer AS total, true AS is_whole FROM (SELECT FROM (${start.sql}) a LIMIT ${limit}) counted`;
  }
  return `WITH ${start.ctes}anchor AS MATERIALIZED (${start.sql})
  SELECT NOT ${isBeyond(start, `(SELECT count(*) FROM anchor) > ${startMax}`)} AS is_whole,
    (SELECT count(*)::integer FROM (SELECT FROM anchor a WHERE ${all(tests)} LIMIT ${limit}) counted) AS total`;
}

function testsAfter(conditions: SortedConditions, start: Start, context: SqlContext): string[] {
  return [...residualTests(conditions, start.met, 'a', context), ...start.tests];
}

function isBeyond(start: Start, orTest: string): string {
  return start.isBeyond === undefined ? `(${orTest})` : `(${start.isBeyond} OR ${orTest})`;
}

export interface Anchor {
  readonly sql: string;
  /** The conditions its rows meet already. */
  readonly met: ReadonlySet<Condition>;
}

export interface AnchorOptions {
  readonly limit?: number | undefined;
  /** Where rows are only counted: without `last_updated`, which costs a look at each resource. */
  readonly isBare?: boolean | undefined;
}

/** Chooses the index to start from: ids, numbers, the order of one date, tokens, or the whole type by last update. */
export function anchorOf(conditions: SortedConditions, options: AnchorOptions, context: SqlContext): Anchor {
  const { tokens, ids, dates, lastUpdated, ranges } = conditions;
  const { limit } = options;
  const [narrowestDate] = [...dates].sort((a, b) => openness(a) - openness(b));
  const columns = foundColumns('r', context);
  const isLiveType = `${isOfType('r', context)} AND ${isLive('r', context)}${limitTo(limit)}`;
  if (ids.length > 0) {
    const byId = ids.map((list) => `r.id = ANY(${context.values.bind(list)}::text[])`);
    const tests = [...byId, ...tokenTests(tokens, 'r', context)].join(' AND ');
    return {
      sql: `SELECT ${columns} FROM ${context.rows} r WHERE ${tests} AND ${isLiveType}`,
      met: new Set(),
    };
  }
  const [range] = ranges;
  const isWide = tokens.every((condition) => condition.isWide);
  if (range && isWide) {
    return { sql: rangeAnchor(range, tokens, options, context), met: new Set([range]) };
  }
  if (narrowestDate && isWide) {
    return { sql: dateAnchor(narrowestDate, tokens, options, context), met: new Set([narrowestDate]) };
  }
  if (tokens.length > 0 && !(isWide && limit !== undefined)) {
    // A token says its type itself: the fence keeps the planner from reading the whole type to save itself a filter.
    const byToken = `SELECT r.* FROM ${context.rows} r WHERE ${tokenTests(tokens, 'r', context).join(' AND ')} OFFSET 0`;
    // Of AuditEvents these are the ones of some months, of which those of the time asked for count.
    const times = context.view === 'audit_event' ? lastUpdated : [];
    const tests = times.map((one) => `${momentTest(one.tests, 'r.last_updated', context)} AND `).join('');
    return { sql: `SELECT ${columns} FROM (${byToken}) r WHERE ${tests}${isLiveType}`, met: new Set(times) };
  }
  const byTime = lastUpdated.map(({ tests }) => `${momentTest(tests, 'r.last_updated', context)} AND `).join('');
  if (tokens.length > 0) {
    // As in `rangeAnchor`, the last row tells of too many.
    const byType = `SELECT r.* FROM ${context.rows} r WHERE ${byTime}${isLiveType}`;
    return {
      sql: `SELECT ${columns} FROM (SELECT r.*, count(*) OVER () >= ${limit} AS is_beyond FROM (${byType}) r) r
    WHERE r.is_beyond OR ${all(tokenTests(tokens, 'r', context))}`,
      met: new Set(lastUpdated),
    };
  }
  return {
    sql: `SELECT ${columns} FROM ${context.rows} r WHERE ${byTime}${isLiveType}`,
    met: new Set(lastUpdated),
  };
}

/** Bounded on both sides first. */
function openness(condition: DateCondition): number {
  const { from, to } = startsOf(condition);
  return Number(from === undefined) + Number(to === undefined);
}

/** Resources by one date condition, from the index on the start of spans. */
function dateAnchor(
  condition: DateCondition,
  tokens: readonly TokenCondition[],
  options: AnchorOptions,
  context: SqlContext,
): string {
  const bound = limitTo(options.limit);
  const ofParameter = `${isOfType('d', context)} AND d.parameter = ${context.values.bind(condition.parameter)}`;
  const passing = (tests: readonly string[]) => `SELECT ${condition.isSingle ? '' : 'DISTINCT '}d.id FROM date_value d
    WHERE ${ofParameter} AND ${all([...tests, entryTest(condition, 'd', context)])}${bound}`;
  // One after the other: what is begun with is mostly enough.
  const parts = splitStartTests(condition, 'd', context).map(passing);
  const earlier = earlierTests(condition, 'd', context);
  if (earlier) parts.push(passing(earlier));
  if (startsOf(condition).from !== undefined) {
    const long = [longTests(condition, 'r', context)];
    // The one span may begin or end where the other parts look; of several another one may, and what is found twice is joined.
    if (condition.isSingle) {
      const found = [startTests(condition, 'd', context), ...(earlier ? [earlier] : [])].map(all).join(') OR (');
      long.push(`NOT EXISTS (SELECT FROM date_value d WHERE ${ofParameter} AND d.id = r.id AND ((${found})) OFFSET 0)`);
    }
    parts.push(`SELECT r.id FROM resource r WHERE ${all(long)}${bound}`);
  }
  const union = condition.isSingle ? ' UNION ALL ' : ' UNION ';
  const ids = parts.length === 1 ? (parts[0] as string) : `${parts.map((part) => `(${part})`).join(union)}${bound}`;
  if (options.isBare && tokens.length === 0) return bareRows(ids);
  const isBeyond = options.limit === undefined ? 'false' : `count(*) OVER () >= ${options.limit}`;
  return rowsOfIds(`SELECT f.id, ${isBeyond} AS is_beyond FROM (${ids}) f`, tokens, context);
}

/** Resources by one condition on numbers. */
function rangeAnchor(
  range: RangeCondition,
  tokens: readonly TokenCondition[],
  options: AnchorOptions,
  context: SqlContext,
): string {
  const found = rangeStart(range, options.limit, context);
  return options.isBare && tokens.length === 0 ? bareRows(found) : rowsOfIds(found, tokens, context);
}

function bareRows(found: string): string {
  return `SELECT f.id, NULL::timestamptz AS last_updated FROM (${found}) f`;
}

/** Where there are too many, which one row more than the limit tells, none of them is looked at. */
function rowsOfIds(found: string, tokens: readonly TokenCondition[], context: SqlContext): string {
  const ofType = isOfType('r', context);
  return `SELECT f.id, r.last_updated FROM (${found}) f
    LEFT JOIN LATERAL (SELECT r.* FROM resource r WHERE NOT f.is_beyond AND ${ofType} AND r.id = f.id OFFSET 0) r ON true
    WHERE f.is_beyond OR ${all([isLive('r', context), ...tokenTests(tokens, 'r', context)])}`;
}

/** All conditions on the resource of `alias`, which has the columns of its view. */
export function testAll(conditions: readonly Condition[], alias: string, context: SqlContext): string {
  const sorted = sortConditions(conditions);
  return all([
    ...sorted.ids.map((ids) => `${alias}.id = ANY(${context.values.bind(ids)}::text[])`),
    ...tokenTests(sorted.tokens, alias, context),
    ...residualTests(sorted, new Set(), alias, context),
    ...sorted.composed.map((condition) => composedTest(condition, alias, context, testAll)),
  ]);
}

/** What is left to test on a row of the anchor. */
export function residualTests(
  { dates, lastUpdated, ranges }: SortedConditions,
  met: ReadonlySet<Condition>,
  alias: string,
  context: SqlContext,
): string[] {
  return [
    ...lastUpdated
      .filter((condition) => !met.has(condition))
      .map(({ tests }) => momentTest(tests, `${alias}.last_updated`, context)),
    ...dates
      .filter((condition) => !met.has(condition) && !condition.isImplied)
      .map((condition) => dateTest(condition, alias, context)),
    ...ranges.filter((condition) => !met.has(condition)).map((condition) => rangeTest(condition, alias, context)),
  ];
}

function limitTo(limit: number | undefined): string {
  return limit === undefined ? '' : ` LIMIT ${limit}`;
}

export function all(tests: readonly string[]): string {
  return tests.length === 0 ? 'true' : tests.join(' AND ');
}
