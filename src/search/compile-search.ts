// From a SearchQuery to the SQL statements that answer it, over the views of the tenant door: https://hl7.org/fhir/R4/search.html

import { auditRows } from './compile/audit-months.ts';
import { breadthOf } from './compile/breadth.ts';
import {
  candidateStatement,
  candidatesMax,
  countStatement,
  estimateStatement,
  type SortedConditions,
  sortConditions,
} from './compile/candidates.ts';
import type { Condition, Recheck } from './compile/condition.ts';
import { compileCriteria } from './compile/criteria.ts';
import { listEstimate, listedLink, listStatement } from './compile/list-walk.ts';
import { type Slicing, slicingOf } from './compile/slicing.ts';
import { type PagePlace, type SortOrder, sortOrder } from './compile/sort.ts';
import { type SearchStatement, type SqlContext, SqlValues } from './compile/sql.ts';
import { type Stage, stagesOf } from './compile/stages.ts';
import { startOf } from './compile/start.ts';
import { statementName } from './compile/statement-name.ts';
import { timeStatement } from './compile/time-walk.ts';
import { isWalkable, walkStatement } from './compile/walk.ts';
import type { KeyedClasses } from './count-classes.ts';
import { partNames } from './criterion-tree.ts';
import { codeTextOf } from './ordered-values.ts';
import type { Criterion, SearchQuery } from './search-query.ts';
import type { SampleOf } from './token-sample.ts';

export interface CompiledSearch {
  /** Gives SearchRows: the page and one match more, then what it includes. */
  readonly statement: SearchStatement;
  /** To be sent when the first statement reports `overflow`; without it, or when it overflows too, the search is too costly. */
  readonly fallback?: () => SearchStatement;
  /** Where the first statement overflows there are more matches than so many. */
  readonly countedTo?: number;
  /** To be sent after that, each when the one before it overflows. */
  readonly further?: readonly (() => SearchStatement)[];
  /** Gives one row { total } that is exact up to `totalMax` and `totalMax + 1` for more. */
  readonly countStatement: (totalMax: number) => SearchStatement;
  /** The same for an estimate, looking at so few rows that any search can afford it; `is_whole` tells whether those were all. */
  readonly estimateStatement: (totalMax: number) => SearchStatement;
  /**
   * Where nothing narrows the type, or bound codes alone: the same, exact however many there are, and read from counters. Its total is
   * null where these do not tell.
   */
  readonly counterStatement?: SearchStatement;
  /** Where the index alone finds too much: a resource that fails is no match. */
  readonly recheck?: Recheck;
  /** Where only tokens are asked by that are common, about how many resources have them. */
  readonly probableTotal?: number;
  /** Gives one row { low } or none: what is compiled again with that moment as `beginMs` reads less. */
  readonly beginStatement?: SearchStatement;
  /** Where it can be sent ahead: gives one row { total }, about what there is, from a small part of it. */
  readonly firstEstimate?: SearchStatement;
  /** Even where that is not much, for all that lead to a match would have to be followed to count exactly. */
  readonly isEstimated?: boolean;
  /** The part of what is estimated that has the common tokens asked by. */
  readonly wideShare?: number;
  /** The names of the parameters a search may be too costly for. */
  readonly namesOf: (trait: CostlyTrait) => readonly string[];
}

/** It leads to other resources; it is decided on the resource itself; it is what resources must not have, for which there may be no index. */
export type CostlyTrait = 'linked' | 'rechecked' | 'unlisted';

export interface CompileOptions {
  /** The keyed token of a text of token-text.ts. */
  readonly tokenOf: (text: string) => bigint;
  /** Absent = the first page. */
  readonly place?: PagePlace | undefined;
  /** What may be included; absent = every type. */
  readonly readableTypes?: readonly string[] | undefined;
  /** Tells which tokens are common; absent = none is known to be. */
  readonly sampleOf?: SampleOf | undefined;
  /** The first moment of the date sorted by, in the order of the page; absent = unknown. */
  readonly beginMs?: number | undefined;
  /** Absent = this moment. */
  readonly nowMs?: number | undefined;
  /** Where only bound codes are asked by: the classes that have them. */
  readonly classes?: KeyedClasses | undefined;
  /** Where candidates are gathered, and no more than so many meet the conditions, the page has all of them. */
  readonly wholeMax?: number | undefined;
}

/** What a List holds is counted as far as an estimate is exact. */
const fewListed = 1_000;
/** Where links have to be followed from each resource, an estimate for a large type looks at so many. */
const fewLinked = 300;

/** A page that ends at a place is read backward from there, the row next to the place first. */
export function compileSearch(query: SearchQuery, options: CompileOptions): CompiledSearch {
  const { tokenOf, place, readableTypes, sampleOf, wholeMax } = options;
  const { conditions: all, recheck } = compileCriteria(query.criteria);
  const order = sortOrder(query.sort, place?.isBackward);
  const wanted = isWalkable(order) ? query.count + 1 : undefined;
  const byDate = sortedDate(all, order);
  const breadth = breadthOf(all, { type: query.type, tokenOf, sampleOf, wanted, byDate });
  const { conditions, isMarked, isLarge, wideShare, probableTotal } = breadth;
  // To count all that meet the conditions, all are looked up.
  const exact = isMarked ? sortConditions(all) : conditions;
  const isNarrow = breadth.isRare || query.criteria.some(meansFew);
  const isBare = all.length === 1 && (all[0]?.kind === 'date' || all[0]?.kind === 'range');
  const by = query.sort[0]?.by;
  const codeText = typeof by === 'object' ? codeTextOf(by, query.type, query.criteria) : undefined;
  const page = {
    ...{ order, after: place?.position, count: query.count, includes: query.includes, readableTypes, codeText },
    ...(wholeMax && { wholeMax }),
  };
  const rows = query.type === 'AuditEvent' ? auditRows(conditions) : 'resource';
  const write = createWriter(query.type, tokenOf, rows);
  const slicing = slicingOf(query, { ...options, conditions, exact, listed: breadth.listed, order });
  const statementOf = ({ by: way, conditions: asked, max, isSliced, stretches }: Stage) =>
    write((context) => {
      const bounded = { ...page, ...(isSliced && slicing && { order: slicing.order }), rowsMax: max };
      if (way === 'slicing' && slicing?.write) return slicing.write(bounded, context);
      if (stretches) return timeStatement(stretches, asked, bounded, context);
      if (way === 'walking') return walkStatement(asked, bounded, context);
      const link = way === 'listing' ? listedLink(asked, order) : undefined;
      if (link) return listStatement(link, asked, bounded, context);
      return candidateStatement(asked, startOf(asked, { startMax: max, isNarrow }, context), bounded, context);
    });
  const walkNeeded = page.count / (wideShare ?? 1);
  const unmarked = isMarked ? exact : undefined;
  const [first, ...others] = [
    ...(slicing?.stages ?? []),
    ...(slicing?.isBound
      ? []
      : stagesOf({ conditions, exact: unmarked, order, isOfCode: codeText !== undefined, walkNeeded })),
  ];
  const [fallback, ...further] = others.map((stage) => () => statementOf(stage));
  return {
    statement: statementOf(first as Stage),
    ...(fallback && { fallback }),
    ...(further.length > 0 && { further }),
    countStatement: (totalMax) =>
      write((context) =>
        countStatement(exact, startOf(exact, { startMax: undefined, isNarrow, isBare }, context), totalMax, context),
      ),
    estimateStatement: (totalMax) => write(estimateOf(conditions, { isBare, isLarge, isNarrow, totalMax })),
    ...counterOf(query, options.classes, write),
    ...(recheck && { recheck }),
    ...(probableTotal !== undefined && { probableTotal }),
    ...(wideShare !== undefined && { wideShare }),
    ...(slicing?.countedTo !== undefined && { countedTo: slicing.countedTo }),
    ...(slicing?.begin && { beginStatement: write(slicing.begin) }),
    ...firstEstimate(conditions, order, slicing, write),
    namesOf: (trait) => namesOf[trait](query.criteria),
  };
}

interface EstimateOptions {
  readonly isBare: boolean;
  readonly isLarge: boolean;
  readonly isNarrow: boolean;
  readonly totalMax: number;
}

function estimateOf(
  conditions: SortedConditions,
  { isBare, isLarge, isNarrow, totalMax }: EstimateOptions,
): (context: SqlContext) => string {
  const fewer = conditions.composed.length > 0 ? fewLinked : totalMax;
  const startMax = isBare || isLarge ? Math.min(totalMax, fewer) : candidatesMax;
  // The index of times ends at the bound, that of tokens only with the last of the days.
  const asked = isLarge ? sortConditions(conditions.all.map(withWideDays)) : conditions;
  return (context) => {
    const start = startOf(asked, { startMax, isNarrow, isBare }, context);
    return estimateStatement(asked, start, { startMax, totalMax }, context);
  };
}

type Write = (build: (context: SqlContext) => string) => SearchStatement;

function createWriter(type: string, tokenOf: CompileOptions['tokenOf'], rows: string): Write {
  return (build) => {
    const context = createContext(type, tokenOf, rows);
    const text = build(context);
    const name = context.view === 'resource' ? statementName(text) : undefined;
    return { ...(name !== undefined && { name }), text, values: context.values.all };
  };
}

function firstEstimate(
  conditions: SortedConditions,
  order: SortOrder,
  slicing: Slicing | undefined,
  write: Write,
): Pick<CompiledSearch, 'firstEstimate' | 'isEstimated'> {
  const list = conditions.all.length === 1 ? listedLink(conditions, order) : undefined;
  if (list) return { firstEstimate: write((context) => listEstimate(list, fewListed, context)), isEstimated: true };
  if (!slicing?.estimate) return {};
  return { firstEstimate: write(slicing.estimate), isEstimated: slicing.isEstimated === true };
}

const namesOf: Readonly<Record<CostlyTrait, (criteria: readonly Criterion[]) => readonly string[]>> = {
  linked: (criteria) =>
    criteria.flatMap((criterion) => ('source' in criterion || 'targets' in criterion ? [criterion.name] : [])),
  rechecked: (criteria) => partNames(criteria.filter((criterion) => compileCriteria([criterion]).recheck)),
  unlisted: (criteria) => partNames(criteria.filter(({ kind }) => kind === 'missing' || kind === 'not')),
};

function withWideDays(condition: Condition): Condition {
  return condition.kind === 'tokens' && condition.ofDate !== undefined ? { ...condition, isWide: true } : condition;
}

/** The date parameter that a walk goes along and that has a single value, which is asked for. */
function sortedDate(conditions: readonly Condition[], order: SortOrder): string | undefined {
  const by = order.keys[0]?.by;
  if (!isWalkable(order) || typeof by !== 'object') return undefined;
  const isAsked = conditions.some((one) => one.kind === 'date' && one.isSingle && one.parameter === by.code);
  return isAsked ? by.code : undefined;
}

/** Ids, identifiers and references; everything else may be what half of all resources have. */
function meansFew(criterion: Criterion): boolean {
  if (criterion.kind === 'id' || criterion.kind === 'compartment') return true;
  if (criterion.kind === 'token') return criterion.key.endsWith('.identifier');
  return criterion.kind === 'value' && !criterion.key.includes('._');
}

function counterOf(
  { type, criteria }: SearchQuery,
  classes: KeyedClasses | undefined,
  write: Write,
): Pick<CompiledSearch, 'counterStatement'> {
  if (type === 'AuditEvent') return {};
  if (criteria.length === 0) return { counterStatement: write(typeCount) };
  return classes ? { counterStatement: write((context) => classCount(classes, context)) } : {};
}

function typeCount({ type }: SqlContext): string {
  return `SELECT coalesce(sum(c.amount), 0)::integer AS total FROM type_count c WHERE c.type = ${type}`;
}

/** Null while any resource is in none of the classes: it was stored by an earlier version, or under another index key. */
function classCount({ asked, others }: KeyedClasses, { type, values }: SqlContext): string {
  const [those, rest] = [asked, others].map((classes) => `unnest(${values.bind(`{${classes.join()}}`)}::bigint[])`);
  return `SELECT CASE WHEN coalesce(sum(c.amount) FILTER (WHERE k.is_asked IS NULL), 0) = 0
      THEN coalesce(sum(c.amount) FILTER (WHERE k.is_asked), 0)::integer END AS total
    FROM (SELECT t.count_class, sum(t.amount) AS amount FROM type_count t WHERE t.type = ${type} GROUP BY t.count_class) c
    LEFT JOIN (SELECT ${those} AS count_class, true AS is_asked UNION ALL SELECT ${rest}, false) k USING (count_class)`;
}

function createContext(type: string, tokenOf: (text: string) => bigint, rows: string): SqlContext {
  const values = new SqlValues();
  if (type === 'AuditEvent') return { values, tokenOf, rows, view: 'audit_event', type: undefined };
  return { values, tokenOf, rows, view: 'resource', type: values.bind(type) };
}
