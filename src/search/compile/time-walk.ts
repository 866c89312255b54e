// The statement for a search of AuditEvents by tokens, in the order of their time, that finds too many to gather them: some days at a time,
// for the events of a day lie together, and the index on times leaves all others unread.

import type { MillisecondRange } from '../../fhir/dates.ts';
import { auditRows, windowOfTimes } from './audit-months.ts';
import { all, candidatesMax, type SortedConditions } from './candidates.ts';
import { beginBehind } from './day-walk.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { isBehind, keyReadsDown, orderBy, type SortOrder, type SortPosition } from './sort.ts';
import { foundColumns, momentTest, type SqlContext, tokenTests } from './sql.ts';
import { testOn } from './start.ts';

/**
 * So many days are looked up first, then so many more, where the page is not full; where that was not enough either, the next begins
 * anew with more at once.
 */
const steps = [
  [1, 4, 16],
  [20, 60, 180],
  [180, 540, 1_620],
] as const;
const dayMs = 86_400_000;

/** Times, one behind the other in the order of the page; of what is wanted nothing comes before the first. */
export interface Stretches {
  readonly times: readonly MillisecondRange[];
  /** Nothing that is wanted comes behind the last. */
  readonly isWhole: boolean;
}

/** What is tried one after the other; none where it is not known when the first event is that may be wanted. */
export function stretchesOf(
  order: SortOrder,
  conditions: Pick<SortedConditions, 'lastUpdated'>,
  position: SortPosition | undefined,
  nowMs: number,
): readonly Stretches[] {
  const window = windowOfTimes(conditions);
  const isDown = keyReadsDown(order);
  const begin = (position && beginBehind(position)) ?? (isDown ? window.high : window.low);
  if (begin === Number.NEGATIVE_INFINITY) return [];
  // Of what is still to come there is nothing yet, whatever the clocks of others say.
  const latest = nowMs + dayMs;
  const end = isDown ? window.low : Math.min(window.high, latest);
  return steps.map((lengths) => {
    let at = Math.min(begin, nowMs);
    const times = lengths.map((days, index) => {
      const from = index === 0 ? Math.min(begin, latest) : at;
      at += (isDown ? -days : days) * dayMs;
      return isDown ? { low: at + 1, high: from } : { low: from, high: at - 1 };
    });
    return { times, isWhole: isDown ? at < end : at > end };
  });
}

export function timeStatement(
  { times, isWhole }: Stretches,
  conditions: SortedConditions,
  page: PageOptions,
  context: SqlContext,
): string {
  const { order, after, count, rowsMax = candidatesMax } = page;
  const limit = context.values.bind(count + 1);
  const tests = all([
    isBehind(after, order, () => 'a.last_updated', 'a.id', context),
    ...conditions.composed.map((condition) => testOn('a', condition, context)),
  ]);
  const names = times.map((_, index) => `found${index + 1}`);
  const ctes = times.map((stretch, index) => {
    const met = names.slice(0, index).map((name) => `(SELECT count(*) FROM ${name} a WHERE ${tests})`);
    const isWanted = met.length === 0 ? 'true' : `${met.join(' + ')} < ${limit}`;
    return `${names[index]} AS MATERIALIZED (${found(stretch, conditions, isWanted, context)} LIMIT ${rowsMax + 1})`;
  });
  const union = names
    .map((name) => `SELECT ${foundColumns('a', context)} FROM ${name} a WHERE ${tests}`)
    .join(' UNION ALL ');
  const isCut = names.map((name) => `(SELECT count(*) FROM ${name}) > ${rowsMax}`).join(' OR ');
  return `WITH ${ctes.join(',\n  ')},
  page AS MATERIALIZED (
    SELECT c.* FROM (SELECT f.*, f.last_updated AS k1 FROM (${union}) f) c ORDER BY ${orderBy(order, 'c')} LIMIT ${limit}),
  state AS (
    SELECT ${isCut}${isWhole ? '' : ` OR (SELECT count(*) FROM page) < ${limit}`} AS overflow, NULL::integer AS matched)${selectPage(page, context)}`;
}

/** The times are tested on what is found: as values that the planner does not know they would make it expect next to nothing. */
function found(
  { low, high }: MillisecondRange,
  conditions: SortedConditions,
  isWanted: string,
  context: SqlContext,
): string {
  const stretch = { kind: 'lastUpdated', tests: [{ prefix: 'eq', low, high }] } as const;
  const times = [stretch, ...conditions.lastUpdated];
  const tokens = all([isWanted, ...tokenTests(conditions.tokens, 'r', context)]);
  return `SELECT ${foundColumns('r', context)} FROM (
      SELECT r.* FROM ${auditRows({ lastUpdated: times })} r WHERE ${tokens} OFFSET 0) r
    WHERE ${all(times.map(({ tests }) => momentTest(tests, 'r.last_updated', context)))}`;
}
