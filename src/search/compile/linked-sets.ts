// Sets of resources as bounded, materialised steps: those that meet conditions by an index, then those that are linked to them.
// A set that grows beyond its bound ends there, and says so.

import { all, anchorOf, type SortedConditions, sortConditions, testAll } from './candidates.ts';
import type { Condition } from './condition.ts';
import { type ComposedCondition, isComposedCondition, type LinkedCondition, linkedContext, sidesOf } from './linked.ts';
import { isLive, isOfType, type SqlContext, type SqlValues } from './sql.ts';

export interface LinkedSet {
  /** A step with the column `id`. */
  readonly name: string;
  /** SQL that is true where the set holds all it should. */
  readonly isWhole: string;
}

export class LinkedSets {
  readonly ctes: string[] = [];
  readonly #max: number;
  readonly #limit: string;

  constructor(max: number, values: SqlValues) {
    this.#max = max;
    this.#limit = values.bind(max + 1);
  }

  /** The resources of the context's type that meet a condition for which `canAnchor` holds. */
  of(condition: ComposedCondition, context: SqlContext): LinkedSet {
    if (condition.kind === 'linked') return this.#linkedTo(condition, context);
    if (condition.kind === 'not') throw new Error('No index finds what does not meet a condition.');
    const sets = condition.anyOf.map((list) => this.#meeting(list, context));
    const rows = sets.map(({ name }) => `SELECT s.id FROM ${name} s`).join(' UNION ALL ');
    return this.#add(`SELECT s.id FROM (${rows}) s LIMIT ${this.#limit}`, sets);
  }

  #linkedTo(condition: LinkedCondition, context: SqlContext): LinkedSet {
    const linked = linkedContext(condition, context);
    const from = this.#meeting(condition.conditions, linked);
    const { near, far } = sidesOf(condition);
    return this.#add(
      `SELECT f.id FROM (SELECT DISTINCT s.id FROM ${from.name} s) s CROSS JOIN LATERAL (
      SELECT f.${near}_id AS id FROM reference f WHERE f.${far}_type = ${linked.type} AND f.${far}_id = s.id
        AND f.${near}_type = ${context.type} AND f.parameter = ${context.values.bind(condition.parameter)} OFFSET 0) f
    WHERE ${from.isWhole} LIMIT ${this.#limit}`,
      [from],
    );
  }

  /** Live resources of the context's type that meet all conditions. */
  #meeting(conditions: readonly Condition[], context: SqlContext): LinkedSet {
    const sorted = sortConditions(conditions);
    const lead = hasOwnAnchor(sorted) ? undefined : sorted.composed.find(canAnchor);
    if (!lead) return this.#anchored(sorted, context);
    const set = this.of(lead, context);
    const others = conditions.filter((condition) => condition !== lead);
    // What has references of its own is live.
    if (others.length === 0 && lead.kind === 'linked' && !lead.isReverse) return set;
    return this.#add(
      `SELECT r.id FROM (SELECT DISTINCT s.id FROM ${set.name} s) s
    CROSS JOIN LATERAL (SELECT r.* FROM ${context.rows} r WHERE ${isOfType('r', context)} AND r.id = s.id OFFSET 0) r
    WHERE ${set.isWhole} AND ${isLive('r', context)} AND ${testAll(others, 'r', context)}`,
      [set],
    );
  }

  #anchored(conditions: SortedConditions, context: SqlContext): LinkedSet {
    const { sql } = anchorOf(conditions, { limit: this.#max + 1 }, context);
    const anchor = this.#add(sql, []);
    const others = conditions.all.filter(({ kind }) => kind !== 'tokens' && kind !== 'ids');
    if (others.length === 0) return anchor;
    return this.#add(
      `SELECT r.id FROM ${anchor.name} s
    CROSS JOIN LATERAL (SELECT r.* FROM ${context.rows} r WHERE ${isOfType('r', context)} AND r.id = s.id OFFSET 0) r
    WHERE ${anchor.isWhole} AND ${testAll(others, 'r', context)}`,
      [anchor],
    );
  }

  #add(sql: string, from: readonly LinkedSet[]): LinkedSet {
    const name = `set${this.ctes.length + 1}`;
    this.ctes.push(`${name} AS MATERIALIZED (${sql})`);
    const isBounded = `(SELECT count(*) FROM ${name}) <= ${this.#max}`;
    return { name, isWhole: all([...from.map(({ isWhole }) => isWhole), isBounded]) };
  }
}

/** True when an index finds what meets the condition; how many these are is another matter. */
export function canAnchor(condition: Condition): boolean {
  if (condition.kind === 'any') return condition.anyOf.every((list) => list.some(canAnchor));
  if (condition.kind === 'linked') return !condition.conditions.some(isWide) || condition.conditions.some(canAnchor);
  return !isComposedCondition(condition) && condition.kind !== 'lastUpdated' && !isWide(condition);
}

/** What an index would find of these are too many. */
function isWide(condition: Condition): boolean {
  return condition.kind === 'tokens' && condition.isWide === true;
}

/** True when the conditions on the resource itself have an index of their own to start from. */
export function hasOwnAnchor({ all: conditions }: SortedConditions): boolean {
  return conditions.some((condition) => !isComposedCondition(condition) && canAnchor(condition));
}
