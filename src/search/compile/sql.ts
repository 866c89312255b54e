// The few pieces every search statement is written with; what a client sent is only ever a bound value.

import { withinYears } from '../../fhir/dates.ts';
import type { DateValue } from '../search-query.ts';
import type { Condition } from './condition.ts';

/** One SQL statement with its values, as database/transaction.ts takes it. */
export interface SearchStatement {
  /** Absent where it is planned each time it runs. */
  readonly name?: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export class SqlValues {
  readonly all: unknown[] = [];

  /** Binds a value and gives its placeholder. */
  bind(value: unknown): string {
    return `$${this.all.push(value)}`;
  }

  /** Milliseconds as a moment. */
  moment(ms: number): string {
    return `${this.bind(new Date(withinYears(ms)).toISOString())}::timestamptz`;
  }
}

export interface SqlContext {
  readonly values: SqlValues;
  readonly tokenOf: (text: string) => bigint;
  /** The view with the resources, and the placeholder of the type where the view has a column for it. */
  readonly view: 'resource' | 'audit_event';
  /** What FROM reads: the view, or the part of it that lies in the months asked for. */
  readonly rows: string;
  readonly type: string | undefined;
}

/** `r.type = $1`, or nothing to add for AuditEvents, which are alone in their table. */
export function isOfType(alias: string, { type }: SqlContext): string {
  return type === undefined ? 'true' : `${alias}.type = ${type}`;
}

export function isLive(alias: string, { type }: SqlContext): string {
  return type === undefined ? 'true' : `NOT ${alias}.deleted`;
}

/**
 * What is known of a row from where it is found to the page. An AuditEvent's body is taken along: looked for again, it would be
 * found by a second index, each at a place of its own on disk, which takes longer than to find them all.
 */
export function foundColumns(alias: string, { view }: SqlContext): string {
  return `${alias}.id, ${alias}.last_updated${view === 'audit_event' ? `, ${alias}.content` : ''}`;
}

export type TokenCondition = Condition & { kind: 'tokens' };
export type DateCondition = Condition & { kind: 'date' };

/** Conditions with one list each become one `@>`, and each further one an `&&` or an OR, all served by the GIN index. */
export function tokenTests(conditions: readonly TokenCondition[], alias: string, context: SqlContext): string[] {
  const isRequired = ({ anyOf, orId }: TokenCondition) => anyOf.length === 1 && orId === undefined;
  const required = conditions.filter(isRequired).flatMap(({ anyOf }) => anyOf.flat());
  const tests = required.length > 0 ? [hasAll(required, alias, context)] : [];
  for (const condition of conditions) if (!isRequired(condition)) tests.push(alternatives(condition, alias, context));
  return tests;
}

function alternatives({ anyOf, orId }: TokenCondition, alias: string, context: SqlContext): string {
  const single = anyOf.filter((texts) => texts.length === 1).flat();
  const several = anyOf.filter((texts) => texts.length > 1);
  const tests = several.map((texts) => hasAll(texts, alias, context));
  if (single.length > 0) tests.unshift(hasAny(single, alias, context));
  // With its type, for the primary key begins with that.
  if (orId !== undefined) tests.push(`${isOfType(alias, context)} AND ${alias}.id = ${context.values.bind(orId)}`);
  return tests.length === 0 ? 'false' : `(${tests.join(' OR ')})`;
}

/**
 * The second test adds nothing but the planner's belief that few rows pass both: of an array it does not know it expects
 * every 200th row to contain it and every 100th to overlap it, and would read another index along with that of the tokens.
 */
function hasAll(texts: readonly string[], alias: string, context: SqlContext): string {
  if (context.view === 'audit_event') return texts.map((text) => hasAny([text], alias, context)).join(' AND ');
  const tokens = tokenArray(texts, context);
  return `(${alias}.tokens @> ${tokens} AND ${alias}.tokens && ${tokens})`;
}

function hasAny(texts: readonly string[], alias: string, context: SqlContext): string {
  const tokens = tokenArray(texts, context);
  // Here another index may well be read along with it: that on times, see audit-months.ts.
  if (context.view === 'audit_event') return `${alias}.tokens && ${withTheirGroups(tokens)}`;
  const test = `${alias}.tokens && ${tokens}`;
  return `(${test} AND ${test})`;
}

export function tokenArray(texts: readonly string[], { values, tokenOf }: SqlContext): string {
  const tokens = new Set(texts.map(tokenOf));
  return `${values.bind(`{${[...tokens].join(',')}}`)}::bigint[]`;
}

/** Among an AuditEvent's tokens some stand for groups of others (repository/token-groups.ts). */
function withTheirGroups(tokens: string): string {
  return `(${tokens} || ARRAY(SELECT g.token FROM audit_token_group g WHERE g.tokens && ${tokens}))`;
}

/** `passes` in condition.ts for a column that holds one moment, in a form that an index on it can serve. */
export function momentTest(
  tests: readonly DateValue[],
  column: string,
  { values }: Pick<SqlContext, 'values'>,
): string {
  const parts = tests.map((test) => pointTest(test, column, values));
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' OR ')})`;
}

function pointTest({ prefix, low, high }: DateValue, column: string, values: SqlValues): string {
  switch (prefix) {
    case 'eq':
    case 'ap':
      return `(${column} >= ${values.moment(low)} AND ${column} <= ${values.moment(high)})`;
    case 'ne':
      return `(${column} < ${values.moment(low)} OR ${column} > ${values.moment(high)})`;
    case 'gt':
    case 'sa':
      return `${column} > ${values.moment(high)}`;
    case 'ge':
      return `${column} >= ${values.moment(low)}`;
    case 'lt':
    case 'eb':
      return `${column} < ${values.moment(low)}`;
    case 'le':
      return `${column} <= ${values.moment(high)}`;
  }
}

/**
 * True where the row of `alias` has an entry that passes. The inner OFFSET 0 has the entries of that row read, by the primary
 * key, and then tested: of a span it does not know the planner expects a few rows, and would walk through all of that time
 * for each candidate. The outer one keeps it from joining before it has narrowed.
 */
export function dateTest(condition: DateCondition, alias: string, context: SqlContext): string {
  return `EXISTS (SELECT FROM (
    SELECT d.low, d.high FROM date_value d WHERE d.type = ${context.type} AND d.id = ${alias}.id
      AND d.parameter = ${context.values.bind(condition.parameter)} OFFSET 0) d WHERE ${entryTest(condition, 'd', context)} OFFSET 0)`;
}

/** True where this row of date_value passes. */
export function entryTest({ tests }: DateCondition, alias: string, { values }: SqlContext): string {
  const anyOf = tests.map((list) => {
    return `(${list.map((test) => spanTest(test, `${alias}.low`, `${alias}.high`, values)).join(' OR ')})`;
  });
  return anyOf.join(' AND ');
}

/** `passes` in condition.ts for a span. */
function spanTest(test: DateValue, low: string, high: string, values: SqlValues): string {
  const from = () => values.moment(test.low);
  const to = () => values.moment(test.high);
  switch (test.prefix) {
    case 'eq':
      return `(${low} >= ${from()} AND ${high} <= ${to()})`;
    case 'ne':
      return `(${low} < ${from()} OR ${high} > ${to()})`;
    case 'gt':
      return `${high} > ${to()}`;
    case 'lt':
      return `${low} < ${from()}`;
    case 'ge':
      return `(${high} > ${to()} OR ${low} >= ${from()})`;
    case 'le':
      return `(${low} < ${from()} OR ${high} <= ${to()})`;
    case 'sa':
      return `${low} > ${to()}`;
    case 'eb':
      return `${high} < ${from()}`;
    case 'ap':
      return `(${low} <= ${to()} AND ${high} >= ${from()})`;
  }
}
