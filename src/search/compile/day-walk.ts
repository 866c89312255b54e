// The statement for a search by tokens that neither few nor most resources have, sorted by a date: day by day, as the index of tokens
// finds at once what has both the tokens asked by and that of a day.

import { earliestMs } from '../../fhir/dates.ts';
import { dayText, longSpan, shortSpanDays } from '../date-span.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import { calendarText } from '../token-text.ts';
import { all, type SortedConditions } from './candidates.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { isListed, testsOfRow } from './slice-walk.ts';
import { isBehind, keyColumns, keyReadsDown, orderBy, type SortOrder, type SortPosition } from './sort.ts';
import { startsOf } from './span-starts.ts';
import { isOfType, type SqlContext, tokenArray, tokenTests } from './sql.ts';

/** So many days are looked up first, then so many more, where the page is not full: a page of what is rare takes long. */
const steps = [2, 8, 32, 128] as const;
/** Spans too long for the index by day; where there are more, they are walked past. */
const longMax = 200;
const dayMs = 86_400_000;

export interface DayWalk {
  readonly parameter: IndexedParameter;
  /** Nothing that is wanted comes before, in the order of the page. */
  readonly beginMs: number;
}

/** The date that is sorted by before all else, where its days tell all that is asked of dates. */
export function walkedDate(
  order: SortOrder,
  { dates, lastUpdated, ids }: SortedConditions,
): IndexedParameter | undefined {
  const [key] = order.keys;
  if (!key || key.by === 'lastUpdated' || key.by.kind !== 'date') return undefined;
  const { code } = key.by;
  const isAlone = dates.every(({ isSingle, parameter }) => isSingle && parameter === code);
  return isAlone && lastUpdated.length + ids.length === 0 ? key.by : undefined;
}

/** Where a page behind a position begins; undefined behind the last day. */
export function beginBehind({ keys: [key] }: SortPosition): number | undefined {
  const ms = typeof key === 'string' ? Date.parse(key) : Number.NaN;
  return Number.isFinite(ms) ? ms : undefined;
}

/** Gives one row { low }, the first moment in the order of the page that has an entry whose start is known; none where there is none. */
export function beginStatement(
  parameter: IndexedParameter,
  order: SortOrder,
  { dates }: SortedConditions,
  context: SqlContext,
): string {
  const direction = keyReadsDown(order) ? ' DESC' : '';
  const starts = dates.map(startsOf);
  const margin = (shortSpanDays + 1) * dayMs;
  const bounds = starts.flatMap(({ from, to }) => [
    ...(from === undefined ? [] : [`d.low >= ${context.values.moment(from - margin)}`]),
    ...(to === undefined ? [] : [`d.low <= ${context.values.moment(to)}`]),
  ]);
  return `SELECT d.low FROM date_value d
    WHERE ${all([isOfType('d', context), `d.parameter = ${context.values.bind(parameter.code)}`, `d.low > ${context.values.moment(earliestMs)}`, ...bounds])}
    ORDER BY d.low${direction}, d.id${direction} LIMIT 1`;
}

export function dayStatement(
  walk: DayWalk,
  conditions: SortedConditions,
  page: PageOptions,
  context: SqlContext,
): string {
  const { order, count } = page;
  const limit = context.values.bind(count + 1);
  const rows = rowsOf(conditions, page, context);
  const long = tokensTest([calendarText(walk.parameter.key, longSpan)], context);
  const ctes = [`long AS MATERIALIZED (${rows.stored('true', long)} LIMIT ${longMax + 1})`];
  const names: string[] = [];
  for (const { texts, within } of stretchesOf(walk, order, context)) {
    const isShort = names.map((name) => `(SELECT count(*) FROM ${name})`).join(' + ');
    const isWanted = isShort === '' ? 'true' : `${isShort} < ${limit}`;
    const stored = rows.stored(isWanted, tokensTest(texts, context));
    const name = `days${names.length + 1}`;
    // Those with a long span as well are among the long.
    ctes.push(`${name} AS MATERIALIZED (${rows.met(`(${stored})`, [`NOT (${long})`], within)})`);
    names.push(name);
  }
  const found = names.map((name) => `SELECT * FROM ${name} UNION ALL `).join('');
  return `WITH ${ctes.join(',\n  ')},
  page AS MATERIALIZED (
    SELECT c.* FROM (${found}${rows.met('long', [], untilLast(walk, order, context))}) c ORDER BY ${orderBy(order, 'c')} LIMIT ${limit}),
  state AS (
    SELECT (SELECT count(*) FROM page) < ${limit} OR (SELECT count(*) FROM long) > ${longMax} AS overflow, NULL::integer AS matched)${selectPage(page, context)}`;
}

function rowsOf(conditions: SortedConditions, { order, after }: PageOptions, context: SqlContext) {
  const listed = tokenTests(conditions.tokens.filter(isListed), 'r', context);
  const tests = testsOfRow(conditions, context);
  const behind = isBehind(after, order, (index) => `c.k${index + 1}`, 'c.id', context);
  return {
    /** By the index of tokens. */
    stored: (isWanted: string, dated: string) =>
      `SELECT r.* FROM ${context.rows} r WHERE ${all([isWanted, ...listed, dated])} OFFSET 0`,
    met: (stored: string, more: readonly string[], within: string) =>
      `SELECT c.* FROM (
      SELECT r.id, r.last_updated${keyColumns(order, 'r', context)} FROM ${stored} r WHERE ${all([tests, ...more])}) c
    WHERE ${behind} AND ${within}`,
  };
}

/** The days of each step, and what holds for the sort key `c.k1` of who comes in them. */
function stretchesOf({ parameter, beginMs }: DayWalk, order: SortOrder, context: SqlContext) {
  const { values } = context;
  const isDown = keyReadsDown(order);
  const first = Math.floor(beginMs / dayMs);
  let done = 0;
  return steps.map((length) => {
    const numbers = Array.from({ length }, (_, n) => (isDown ? first - done - n : first + done + n));
    const [low, high] = [Math.min(...numbers) * dayMs, (Math.max(...numbers) + 1) * dayMs];
    done += length;
    return {
      texts: numbers.map((number) => calendarText(parameter.key, dayText(number * dayMs))),
      within: `c.k1 >= ${values.moment(low)} AND c.k1 < ${values.moment(high)}`,
    };
  });
}

/** What holds for long spans, which may also begin before the days do, for these are only where others can be. */
function untilLast({ beginMs }: DayWalk, order: SortOrder, { values }: SqlContext): string {
  const length = steps.reduce((sum, one) => sum + one, 0);
  const first = Math.floor(beginMs / dayMs);
  return keyReadsDown(order)
    ? `c.k1 >= ${values.moment((first + 1 - length) * dayMs)}`
    : `c.k1 < ${values.moment((first + length) * dayMs)}`;
}

function tokensTest(texts: readonly string[], context: SqlContext): string {
  return `r.tokens && ${tokenArray(texts, context)}`;
}
