// Tests on one row for conditions made of others: negated, alternative, or on a resource that a reference links.

import type { Condition } from './condition.ts';
import { isLive, isOfType, type SqlContext } from './sql.ts';

export type ComposedCondition = Condition & { kind: 'not' | 'any' | 'linked' };
export type LinkedCondition = Condition & { kind: 'linked' };

export function isComposedCondition(condition: Condition): condition is ComposedCondition {
  return condition.kind === 'not' || condition.kind === 'any' || condition.kind === 'linked';
}

/** All conditions on the resource of `alias`, which has the columns of its view. */
export type TestAll = (conditions: readonly Condition[], alias: string, context: SqlContext) => string;

export function composedTest(
  condition: ComposedCondition,
  alias: string,
  context: SqlContext,
  testAll: TestAll,
): string {
  switch (condition.kind) {
    case 'not':
      return `NOT (${testAll(condition.conditions, alias, context)})`;
    case 'any':
      return `(${condition.anyOf.map((list) => `(${testAll(list, alias, context)})`).join(' OR ')})`;
    case 'linked':
      return linkedTest(condition, alias, context, testAll);
  }
}

/** OFFSET 0 keeps the planner from turning the test of a few rows into a join of all. */
function linkedTest(condition: LinkedCondition, alias: string, context: SqlContext, testAll: TestAll): string {
  const { near, far } = sidesOf(condition);
  const linked = linkedContext(condition, context);
  const parameter = context.values.bind(condition.parameter);
  return `EXISTS (SELECT FROM reference f
    WHERE f.${near}_type = ${context.type} AND f.${near}_id = ${alias}.id AND f.${far}_type = ${linked.type} AND f.parameter = ${parameter}
      AND EXISTS (SELECT FROM resource l WHERE ${isOfType('l', linked)} AND l.id = f.${far}_id AND ${isLive('l', linked)}
        AND ${testAll(condition.conditions, 'l', linked)} OFFSET 0) OFFSET 0)`;
}

export interface LinkSides {
  /** Of a row of `reference`: the resource that is searched for, and the one that is linked. */
  readonly near: 'source' | 'target';
  readonly far: 'source' | 'target';
}

export function sidesOf({ isReverse }: LinkedCondition): LinkSides {
  return isReverse ? { near: 'target', far: 'source' } : { near: 'source', far: 'target' };
}

/** For statements on the linked resources. */
export function linkedContext({ type }: LinkedCondition, context: SqlContext): SqlContext {
  return { ...context, view: 'resource', rows: 'resource', type: context.values.bind(type) };
}
