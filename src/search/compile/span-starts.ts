// Turns a date condition into a range of starts, which the index on date_value serves. A span that ends late may start at any
// time, so starts are sought from a day before, spans of some days by their ends, and longer ones by their token.

import type { DateValue } from '../search-query.ts';
import { type DateCondition, dateTest, isLive, isOfType, type SqlContext, tokenTests } from './sql.ts';

const dayMs = 86_400_000;

export interface Starts {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** Between what moments a span of no length that passes starts; undefined = any. */
export function startsOf({ tests }: DateCondition): Starts {
  const froms = tests.map((list) => leastOf(list.map(earliestStart))).filter((from) => from !== undefined);
  const tos = tests.map((list) => greatestOf(list.map(latestStart))).filter((to) => to !== undefined);
  return {
    from: froms.length > 0 ? Math.max(...froms) : undefined,
    to: tos.length > 0 ? Math.min(...tos) : undefined,
  };
}

function earliestStart({ prefix, low, high }: DateValue): number | undefined {
  if (prefix === 'eq' || prefix === 'ge' || prefix === 'ap') return low;
  return prefix === 'gt' || prefix === 'sa' ? high : undefined;
}

function latestStart({ prefix, low, high }: DateValue): number | undefined {
  if (prefix === 'eq' || prefix === 'le' || prefix === 'ap') return high;
  return prefix === 'lt' || prefix === 'eb' ? low : undefined;
}

function leastOf(moments: readonly (number | undefined)[]): number | undefined {
  return moments.includes(undefined) ? undefined : Math.min(...(moments as number[]));
}

function greatestOf(moments: readonly (number | undefined)[]): number | undefined {
  return moments.includes(undefined) ? undefined : Math.max(...(moments as number[]));
}

/** On a row of date_value: its start is where that of a passing span of a day at most can be. */
export function startTests(condition: DateCondition, alias: string, context: SqlContext): string[] {
  return withinTests(condition, alias, dayMs, context);
}

/** The same in two parts, the second with what starts within the day before: it may be over before. */
export function splitStartTests(condition: DateCondition, alias: string, context: SqlContext): string[][] {
  const { from } = startsOf(condition);
  if (from === undefined) return [startTests(condition, alias, context)];
  const dayBefore = [
    `${alias}.low >= ${context.values.moment(from - dayMs)}`,
    `${alias}.low < ${context.values.moment(from)}`,
  ];
  return [withinTests(condition, alias, 0, context), dayBefore];
}

function withinTests(condition: DateCondition, alias: string, marginMs: number, { values }: SqlContext): string[] {
  const { from, to } = startsOf(condition);
  return [
    ...(from === undefined ? [] : [`${alias}.low >= ${values.moment(from - marginMs)}`]),
    ...(to === undefined ? [] : [`${alias}.low <= ${values.moment(to)}`]),
  ];
}

/**
 * On a row of date_value: it is longer than a day, though not long, and starts before `startTests` have it; it can only pass
 * when it lasts until then. Undefined where there is no such thing. The difference is what the index is made for.
 */
export function earlierTests(condition: DateCondition, alias: string, { values }: SqlContext): string[] | undefined {
  const { from } = startsOf(condition);
  if (from === undefined || condition.shortSpanDays <= 1) return undefined;
  return [
    `${alias}.high >= ${values.moment(from)}`,
    `${alias}.high <= ${values.moment(from + condition.shortSpanDays * dayMs)}`,
    `${alias}.low < ${values.moment(from - dayMs)}`,
    `${alias}.high - ${alias}.low > interval '24:00:00'`,
  ];
}

/** On a resource: it has a long span that passes. */
export function longTests(condition: DateCondition, alias: string, context: SqlContext): string {
  const token = tokenTests([{ kind: 'tokens', anyOf: [[condition.longText]] }], alias, context);
  return [isOfType(alias, context), isLive(alias, context), ...token, dateTest(condition, alias, context)].join(
    ' AND ',
  );
}
