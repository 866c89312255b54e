// Where a search with conditions on linked resources starts: from its own conditions when few resources meet them, else from
// the linked resources, gathered by their own index and led back link by link: https://hl7.org/fhir/R4/search.html#chaining

import { all, anchorOf, candidatesMax, type SortedConditions, type Start, testAll } from './candidates.ts';
import type { Condition } from './condition.ts';
import { type ComposedCondition, composedTest } from './linked.ts';
import { canAnchor, hasOwnAnchor, LinkedSets } from './linked-sets.ts';
import { foundColumns, isLive, isOfType, type SqlContext } from './sql.ts';
import { walkMax } from './walk-bounds.ts';

/** So few are tested one by one whatever is linked to them. */
const fewMax = 200;

export interface StartOptions {
  /** At most so many resources are found by the search's own conditions; undefined = no bound. */
  readonly startMax: number | undefined;
  /** Whether those conditions are of a kind that few resources meet. */
  readonly isNarrow: boolean;
  /** See AnchorOptions. */
  readonly isBare?: boolean;
}

export function startOf(conditions: SortedConditions, options: StartOptions, context: SqlContext): Start {
  const leading = conditions.composed.filter(canAnchor);
  if (leading.length > 0) return linkedStart(conditions, leading, options, context);
  const { startMax, isBare } = options;
  const limit = startMax === undefined ? undefined : startMax + 1;
  const { sql, met } = anchorOf(conditions, { limit, isBare }, context);
  return { ctes: '', sql, met, tests: conditions.composed.map((condition) => testOn('a', condition, context)) };
}

/** `plan` says which start is taken: 0 = the search's own, n = the n-th set, -1 = none is small enough. */
function linkedStart(
  conditions: SortedConditions,
  leading: readonly ComposedCondition[],
  { startMax = walkMax, isNarrow }: StartOptions,
  context: SqlContext,
): Start {
  const sets = new LinkedSets(Math.min(startMax, candidatesMax), context.values);
  const found = leading.map((condition) => sets.of(condition, context));
  const steps = found.map(({ isWhole }, index) => `WHEN ${isWhole} THEN ${index + 1}`);
  const starts = found.map(({ name }, index) => setStart(name, index + 1, conditions, context));
  const ctes = [...sets.ctes];
  let met: ReadonlySet<Condition> = new Set();
  let last = '-1';
  if (hasOwnAnchor(conditions)) {
    const own = anchorOf(conditions, { limit: startMax + 1 }, context);
    met = own.met;
    ctes.push(`own AS MATERIALIZED (${own.sql})`);
    // A broad condition is not looked up at all where the linked resources lead to few.
    if (isNarrow) steps.unshift(`WHEN (SELECT count(*) FROM own) <= ${fewMax} THEN 0`);
    starts.unshift(`SELECT ${foundColumns('o', context)} FROM own o WHERE (SELECT plan.start FROM plan) = 0`);
    last = `CASE WHEN (SELECT count(*) FROM own) <= ${startMax} THEN 0 ELSE -1 END`;
  }
  ctes.push(`plan AS MATERIALIZED (SELECT CASE ${steps.join(' ')} ELSE ${last} END AS start)`);
  return {
    ctes: ctes.map((cte) => `${cte},\n  `).join(''),
    sql: starts.map((start) => `(${start})`).join(' UNION ALL '),
    met,
    tests: conditions.composed.map((condition) => startTest(condition, leading, context)),
    isBeyond: '(SELECT plan.start FROM plan) < 0',
  };
}

/** All conditions but the composed ones are tested, for another start may have met one by its index. */
function setStart(name: string, place: number, conditions: SortedConditions, context: SqlContext): string {
  const own = conditions.all.filter((condition) => !conditions.composed.includes(condition as ComposedCondition));
  return `SELECT ${foundColumns('r', context)} FROM (SELECT DISTINCT s.id FROM ${name} s) s
    CROSS JOIN LATERAL (SELECT r.* FROM ${context.rows} r WHERE ${isOfType('r', context)} AND r.id = s.id OFFSET 0) r
    WHERE (SELECT plan.start FROM plan) = ${place} AND ${isLive('r', context)} AND ${testAll(own, 'r', context)}`;
}

function startTest(condition: ComposedCondition, leading: readonly ComposedCondition[], context: SqlContext): string {
  const place = leading.indexOf(condition) + 1;
  const test = testOn('a', condition, context);
  return place > 0 ? `((SELECT plan.start FROM plan) = ${place} OR ${test})` : test;
}

/** A start has neither tokens nor type. */
export function testOn(alias: string, condition: ComposedCondition, context: SqlContext): string {
  if (!readsTokens(condition)) return composedTest(condition, alias, context, testAll);
  // The partition of an AuditEvent is told by its time.
  const isSame = `${isOfType('s', context)} AND s.id = ${alias}.id AND s.last_updated = ${alias}.last_updated`;
  const test = composedTest(condition, 's', context, testAll);
  return `EXISTS (SELECT FROM ${context.rows} s WHERE ${all([isSame, test])} OFFSET 0)`;
}

function readsTokens(condition: Condition): boolean {
  if (condition.kind === 'not') return condition.conditions.some(readsTokens);
  if (condition.kind === 'any') return condition.anyOf.some((list) => list.some(readsTokens));
  return condition.kind === 'tokens';
}
