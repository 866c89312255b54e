// From a SearchQuery to the SQL statements that answer it, over the views of the tenant door: https://hl7.org/fhir/R4/search.html

import {
  candidateStatement,
  candidatesMax,
  countStatement,
  estimateStatement,
  type SortedConditions,
  sortConditions,
} from './compile/candidates.ts';
import type { Recheck } from './compile/condition.ts';
import { compileCriteria } from './compile/criteria.ts';
import { canAnchor } from './compile/linked-sets.ts';
import { type PagePlace, type SortOrder, sortOrder } from './compile/sort.ts';
import { type SearchStatement, type SqlContext, SqlValues } from './compile/sql.ts';
import { startOf } from './compile/start.ts';
import { statementName } from './compile/statement-name.ts';
import { isWalkable, walkStatement } from './compile/walk.ts';
import { walkMax } from './compile/walk-bounds.ts';
import type { Criterion, SearchQuery } from './search-query.ts';

export interface CompiledSearch {
  /** Gives SearchRows: the page and one match more, then what it includes. */
  readonly statement: SearchStatement;
  /** To be sent when the first statement reports `overflow`; without it, or when it overflows too, the search is too costly. */
  readonly fallback?: () => SearchStatement;
  /** Gives one row { total } that is exact up to `totalMax` and `totalMax + 1` for more. */
  readonly countStatement: (totalMax: number) => SearchStatement;
  /** The same for an estimate, looking at so few rows that any search can afford it; `is_whole` tells whether those were all. */
  readonly estimateStatement: (totalMax: number) => SearchStatement;
  /** Where nothing narrows the type: the same, exact however many there are, and read from counters. */
  readonly counterStatement?: SearchStatement;
  /** Where the index alone finds too much: a resource that fails is no match. */
  readonly recheck?: Recheck;
  /** The names of parameters that lead to other resources. */
  readonly links?: readonly string[];
}

export interface CompileOptions {
  /** The keyed token of a text of token-text.ts. */
  readonly tokenOf: (text: string) => bigint;
  /** Absent = the first page. */
  readonly place?: PagePlace | undefined;
  /** What may be included; absent = every type. */
  readonly readableTypes?: readonly string[] | undefined;
}

/** A page that ends at a place is read backward from there, the row next to the place first. */
export function compileSearch(query: SearchQuery, { tokenOf, place, readableTypes }: CompileOptions): CompiledSearch {
  const { conditions: all, recheck } = compileCriteria(query.criteria);
  const conditions = sortConditions(all);
  const isNarrow = query.criteria.some(meansFew);
  const links = query.criteria.flatMap((criterion) =>
    'source' in criterion || 'targets' in criterion ? [criterion.name] : [],
  );
  const order = sortOrder(query.sort, place?.isBackward);
  const page = { order, after: place?.position, count: query.count, includes: query.includes, readableTypes };
  const write = (build: (context: SqlContext) => string): SearchStatement => {
    const context = createContext(query.type, tokenOf);
    const text = build(context);
    const name = context.view === 'resource' ? statementName(text) : undefined;
    return { ...(name !== undefined && { name }), text, values: context.values.all };
  };
  const candidates = () =>
    write((context) => {
      return candidateStatement(
        conditions,
        startOf(conditions, { startMax: candidatesMax, isNarrow }, context),
        page,
        context,
      );
    });
  const walk = () => write((context) => walkStatement(conditions, page, context));
  const isWalk = walksFirst(conditions, order);
  return {
    statement: isWalk ? walk() : candidates(),
    ...(!isWalk && isWalkable(order) && { fallback: walk }),
    countStatement: (totalMax) =>
      write((context) =>
        countStatement(conditions, startOf(conditions, { startMax: undefined, isNarrow }, context), totalMax, context),
      ),
    estimateStatement: (totalMax) =>
      write((context) =>
        estimateStatement(conditions, startOf(conditions, { startMax: walkMax, isNarrow }, context), totalMax, context),
      ),
    ...(query.criteria.length === 0 && query.type !== 'AuditEvent' && { counterStatement: write(typeCount) }),
    ...(recheck && { recheck }),
    ...(links.length > 0 && { links }),
  };
}

/** Ids, identifiers and references; everything else may be what half of all resources have. */
function meansFew(criterion: Criterion): boolean {
  if (criterion.kind === 'id' || criterion.kind === 'compartment') return true;
  if (criterion.kind === 'token') return criterion.key.endsWith('.identifier');
  return criterion.kind === 'value' && !criterion.key.includes('._');
}

function typeCount({ type }: SqlContext): string {
  return `SELECT coalesce(sum(c.amount), 0)::integer AS total FROM type_count c WHERE c.type = ${type}`;
}

/** True when the index that gives the order is also the one that finds, or nothing is asked that another could find. */
function walksFirst(
  { tokens, ids, dates, lastUpdated, composed, ranges }: SortedConditions,
  order: SortOrder,
): boolean {
  if (composed.some(canAnchor) || ranges.length > 0) return false;
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
