// The statement for a search by tokens that neither few nor most resources have, where no order was asked for: slice by slice, as the
// index of tokens finds at once what has both the tokens asked by and that of a slice.

import { sliceSql, slices, sliceText } from '../slices.ts';
import { all, candidatesMax, residualTests, type SortedConditions, testAll } from './candidates.ts';
import { composedTest } from './linked.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { isBehind, orderBy } from './sort.ts';
import { isLive, isOfType, type SqlContext, type TokenCondition, tokenArray, tokenTests } from './sql.ts';

export interface SliceOptions extends PageOptions {
  readonly type: string;
  /** So many slices probably hold the page. */
  readonly slicesNeeded: number;
}

/** So many times as many are read next; then all that are left, without their tokens. */
export const growth = 4;

/** True for conditions of which the index of tokens finds all that meets them. */
export function isListed({ orId }: TokenCondition): boolean {
  return orId === undefined;
}

export function sliceStatement(conditions: SortedConditions, page: SliceOptions, context: SqlContext): string {
  const { order, after, count, slicesNeeded, type } = page;
  const limit = context.values.bind(count + 1);
  const ordered = order.isReversed ? slices.toReversed() : slices;
  const from = after ? ordered.indexOf(String(after.keys[0])) : 0;
  const [first, second] = [from + slicesNeeded, from + slicesNeeded * (1 + growth)];
  const sliced = (start: number, end: number) =>
    `r.tokens && ${tokenArray(
      ordered.slice(start, end).map((slice) => sliceText(type, slice)),
      context,
    )}`;
  const isLeft = `${context.values.bind(second < ordered.length)}::boolean`;
  const last = context.values.bind(ordered[Math.min(second, ordered.length) - 1]);
  const columns = `r.id, r.last_updated, ${sliceSql('r.id')} AS k1`;
  const listed = tokenTests(conditions.tokens.filter(isListed), 'r', context);
  const found = (...which: string[]) =>
    `(SELECT r.* FROM ${context.rows} r WHERE ${all([...which, ...listed])} OFFSET 0) r`;
  const tests = testsOfRow(conditions, context);
  const isShort = (...steps: string[]) =>
    `${steps.map((step) => `(SELECT count(*) FROM ${step})`).join(' + ')} < ${limit}`;
  return `WITH near AS MATERIALIZED (
    SELECT c.* FROM (SELECT ${columns} FROM ${found(sliced(from, first))} WHERE ${tests}) c
    WHERE ${isBehind(after, order, () => 'c.k1', 'c.id', context)}),
  further AS MATERIALIZED (
    SELECT ${columns} FROM ${found(isShort('near'), sliced(first, second))} WHERE ${tests}),
  others AS MATERIALIZED (
    SELECT ${columns}, ${tests} AS is_met FROM ${found(isLeft, isShort('near', 'further'))} LIMIT ${candidatesMax + 1}),
  page AS MATERIALIZED (
    SELECT c.* FROM (
      SELECT * FROM near UNION ALL SELECT * FROM further UNION ALL
      SELECT o.id, o.last_updated, o.k1 FROM others o WHERE o.is_met AND o.k1 ${order.isReversed ? '<' : '>'} ${last}) c
    ORDER BY ${orderBy(order, 'c')} LIMIT ${limit}),
  state AS (SELECT (SELECT count(*) FROM others) > ${candidatesMax} AS overflow, NULL::integer AS matched)${selectPage(page, context)}`;
}

/** So many that the index of tokens finds tell how many of them are meant. */
const lookedAt = 50;

/** The first slices, which probably hold as many as tell of all. */
export function fewSlices(matches: number): readonly string[] {
  return slices.slice(0, Math.ceil((lookedAt * slices.length) / matches));
}

/** Gives about how many there are, from a few slices, of so many that the index of tokens finds. */
export function sliceEstimate(
  conditions: SortedConditions,
  { type, matches }: { readonly type: string; readonly matches: number },
  context: SqlContext,
): string {
  const few = fewSlices(matches);
  const sliced = `r.tokens && ${tokenArray(
    few.map((slice) => sliceText(type, slice)),
    context,
  )}`;
  const listed = tokenTests(conditions.tokens.filter(isListed), 'r', context);
  return `SELECT (count(*) * ${slices.length} / ${context.values.bind(few.length)}::integer)::integer AS total FROM (
    SELECT r.* FROM ${context.rows} r WHERE ${all([sliced, ...listed])} OFFSET 0) r WHERE ${testsOfRow(conditions, context)}`;
}

/** What the index of tokens does not tell of a row `r`. */
export function testsOfRow(conditions: SortedConditions, context: SqlContext): string {
  const unlisted = conditions.tokens.filter((condition) => !isListed(condition));
  return all([
    isOfType('r', context),
    isLive('r', context),
    ...tokenTests(unlisted, 'r', context),
    ...residualTests(conditions, new Set(), 'r', context),
    ...conditions.composed.map((condition) => composedTest(condition, 'r', context, testAll)),
  ]);
}
