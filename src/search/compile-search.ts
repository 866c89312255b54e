// From a SearchQuery to the SQL statements that answer it, over the views of the tenant door: https://hl7.org/fhir/R4/search.html

import { candidateStatement, countStatement, type SortedConditions, sortConditions } from './compile/candidates.ts';
import type { Recheck } from './compile/condition.ts';
import { compileCriteria } from './compile/criteria.ts';
import { type SortOrder, type SortPosition, sortOrder } from './compile/sort.ts';
import { type SearchStatement, type SqlContext, SqlValues } from './compile/sql.ts';
import { isWalkable, walkStatement } from './compile/walk.ts';
import type { SearchQuery } from './search-query.ts';

export interface CompiledSearch {
  /** Gives SearchRows: the page and one match more, then what it includes. */
  readonly statement: SearchStatement;
  /** To be sent when the first statement reports `overflow`; without it, or when it overflows too, the search is too costly. */
  readonly fallback?: () => SearchStatement;
  /** Gives one row { total } that is exact up to `totalMax` and `totalMax + 1` for more. */
  readonly countStatement: (totalMax: number) => SearchStatement;
  /** Where the index alone finds too much: a resource that fails is no match. */
  readonly recheck?: Recheck;
}

export interface CompileOptions {
  /** The keyed token of a text of token-text.ts. */
  readonly tokenOf: (text: string) => bigint;
  /** Where the page before ended. */
  readonly after?: SortPosition;
}

export function compileSearch(query: SearchQuery, { tokenOf, after }: CompileOptions): CompiledSearch {
  const { conditions: all, recheck } = compileCriteria(query.criteria);
  const conditions = sortConditions(all);
  const order = sortOrder(query.sort);
  const page = { order, after, count: query.count, includes: query.includes };
  const write = (build: (context: SqlContext) => string): SearchStatement => {
    const context = createContext(query.type, tokenOf);
    const text = build(context);
    return { text, values: context.values.all };
  };
  const candidates = () => write((context) => candidateStatement(conditions, page, context));
  const walk = () => write((context) => walkStatement(conditions, page, context));
  const isWalk = walksFirst(conditions, order);
  return {
    statement: isWalk ? walk() : candidates(),
    ...(!isWalk && isWalkable(order) && { fallback: walk }),
    countStatement: (totalMax) => write((context) => countStatement(conditions, totalMax, context)),
    ...(recheck && { recheck }),
  };
}

/** True when the index that gives the order is also the one that finds, or nothing is asked that another could find. */
function walksFirst({ tokens, ids, dates, lastUpdated }: SortedConditions, order: SortOrder): boolean {
  if (!isWalkable(order) || tokens.length > 0 || ids.length > 0) return false;
  const by = order.keys[0]?.by;
  if (dates.length > 0) return dates.some(({ isSingle, parameter }) => isSingle && parameter === codeOf(by));
  return lastUpdated.length === 0 || by === 'lastUpdated';
}

function codeOf(by: SortOrder['keys'][number]['by'] | undefined): string | undefined {
  return typeof by === 'object' ? by.code : undefined;
}

function createContext(type: string, tokenOf: (text: string) => bigint): SqlContext {
  const values = new SqlValues();
  if (type === 'AuditEvent') return { values, tokenOf, view: 'audit_event', type: undefined };
  return { values, tokenOf, view: 'resource', type: values.bind(type) };
}
