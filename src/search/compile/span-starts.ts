// Turns a date condition into a range of starts, which the index on date_value serves. A span that ends late may start at any
// time, so starts are sought from some days before, and longer spans by their token.

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

/** On a row of date_value: its start is where that of a passing short span can be. */
export function startTests(condition: DateCondition, alias: string, { values }: SqlContext): string[] {
  const { from, to } = startsOf(condition);
  return [
    ...(from === undefined ? [] : [`${alias}.low >= ${values.moment(from - condition.shortSpanDays * dayMs)}`]),
    ...(to === undefined ? [] : [`${alias}.low <= ${values.moment(to)}`]),
  ];
}

/** On a resource: it has a long span that passes. */
export function longTests(condition: DateCondition, alias: string, context: SqlContext): string {
  const token = tokenTests([{ kind: 'tokens', anyOf: [[condition.longText]] }], alias, context);
  return [isOfType(alias, context), isLive(alias, context), ...token, dateTest(condition, alias, context)].join(
    ' AND ',
  );
}
