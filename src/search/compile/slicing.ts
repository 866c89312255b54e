// Whether a search is read slice by slice, or day by day where it is sorted by a date: where what it asks by is so common that to look
// all of it up costs more than a page may, and so rare that a walk would. By numbers alone it is read along these, AuditEvents by their time.

import { fhirError } from '../../fhir/outcome.ts';
import type { SearchQuery } from '../search-query.ts';
import { slicesCount } from '../slices.ts';
import { type SampleOf, sampleSize } from '../token-sample.ts';
import { type Listed, listedOf } from './breadth.ts';
import { candidatesMax, type SortedConditions, sortConditions } from './candidates.ts';
import { beginBehind, beginStatement, dayStatement, walkedDate } from './day-walk.ts';
import { canWalkLinks, isLinkKey, isNarrow, type LinkWalk, linkEstimate, linkStatement } from './link-walk.ts';
import type { LinkedCondition } from './linked.ts';
import { canAnchor } from './linked-sets.ts';
import { atNumber, isNumberKey, numberOrder, numberWalkOf } from './number-walk.ts';
import type { PageOptions } from './select-page.ts';
import { growth, isListed, sliceEstimate, sliceStatement } from './slice-walk.ts';
import type { PagePlace, SortOrder } from './sort.ts';
import type { SqlContext } from './sql.ts';
import { gatheringSliced, linkStages, type Stage, slicedStages } from './stages.ts';
import { stretchesOf } from './time-walk.ts';
import { isWalkable, walkStatement } from './walk.ts';
import { walkMax } from './walk-bounds.ts';

export interface Slicing {
  /** In which its stages find. */
  readonly order: SortOrder;
  readonly stages: readonly Stage[];
  /** True where no other stage may follow, as where the page before was in this order. */
  readonly isBound: boolean;
  readonly write?: (page: PageOptions, context: SqlContext) => string;
  /** Gives a row { low }: the moment that has to be known first. */
  readonly begin?: (context: SqlContext) => string;
  /** Gives about how many matches there are, where a few slices tell that. */
  readonly estimate?: (context: SqlContext) => string;
  /** Where the first stage overflows there are more matches. */
  readonly countedTo?: number;
  /** It is good enough whatever it says. */
  readonly isEstimated?: boolean;
}

export interface SlicingOptions {
  /** Those on common tokens are marked wide. */
  readonly conditions: SortedConditions;
  readonly exact: SortedConditions;
  readonly listed: Listed | undefined;
  readonly order: SortOrder;
  readonly place?: PagePlace | undefined;
  /** What `begin` has given. */
  readonly beginMs?: number | undefined;
  /** Absent = this moment. */
  readonly nowMs?: number | undefined;
  readonly tokenOf: (text: string) => bigint;
  readonly sampleOf?: SampleOf | undefined;
}

/** What a page may read by a walk, or by an entry and a row for each that is looked up. */
const readMax = (count: number): number => 500 + 3 * count;
/** Fewer are counted exactly anyway. */
const matchesMin = 1_000;
/** What a sample has seen of a few is that much off by chance, and what is read first may hold less: in so many deviations more is expected. */
const deviations = 2;
/** Where nothing is known. */
const slicesAtFirst = 2;
/** Fewer linked resources are gathered before it is known that they lead to many. */
const linkedMin = 200;

/**
 * Undefined where another way is to be taken. Where a page ends in a slice, the next begins there, whatever is known by then; throws
 * a FhirError (400) where the search has become another one meanwhile.
 */
export function slicingOf(query: SearchQuery, options: SlicingOptions): Slicing | undefined {
  const { conditions, place } = options;
  if (query.type === 'AuditEvent') return byTime(options);
  if (options.order.keys.length > 0) return byDays(query, options);
  if (query.sort[0]?.isFree !== true || (place && !place.isSliced)) return undefined;
  const [key] = place?.position?.keys ?? [];
  const numbers = key === undefined || isNumberKey(key) ? byNumbers(query, options) : undefined;
  if (numbers) return numbers;
  if (key !== undefined && isNumberKey(key)) throw another();
  if (key !== undefined && !isLinkKey(key)) return byTokens(query, options);
  const [only, ...others] = conditions.all;
  const links = only?.kind === 'linked' && others.length === 0 ? byLinks(only, query, options) : undefined;
  if (!links && key !== undefined) throw another();
  return links ?? byTokens(query, options);
}

/** Where there are too many AuditEvents to be gathered, some days have the page; of common ones those of the last minutes, mostly. */
function byTime({ conditions, exact, order, place, nowMs = Date.now() }: SlicingOptions): Slicing | undefined {
  const { tokens, ids, composed } = exact;
  const isLookedUp = tokens.length > 0 && tokens.every(isListed) && ids.length === 0 && !composed.some(canAnchor);
  if (order.keys[0]?.by !== 'lastUpdated' || !isWalkable(order) || !isLookedUp) return undefined;
  const gathering = (max: number): Stage => ({ by: 'gathering', conditions: exact, max });
  const walking = (max: number): Stage => ({ by: 'walking', conditions, max });
  const [first, ...further] = stretchesOf(order, exact, place?.position, nowMs).map(
    (stretches): Stage => ({ by: 'stretching', conditions: exact, max: candidatesMax, stretches }),
  );
  if (!first) return undefined;
  const isCommon = conditions.tokens.some(({ isWide }) => isWide);
  return {
    order,
    stages: [
      isCommon ? walking(candidatesMax) : gathering(matchesMin),
      ...[first, gathering(candidatesMax), ...further, walking(walkMax)],
    ],
    isBound: true,
    ...(!isCommon && composed.length === 0 && { countedTo: matchesMin }),
  };
}

function another(): Error {
  return fhirError('invalid', 'The search is another one by now; start again without the cursor.');
}

function byNumbers({ criteria }: SearchQuery, { conditions, place }: SlicingOptions): Slicing | undefined {
  const walk = numberWalkOf(criteria, conditions);
  if (!walk) return undefined;
  const order = numberOrder(walk, place?.isBackward ?? false);
  return {
    order,
    stages: [{ by: 'slicing', conditions, max: walkMax, isSliced: true }],
    isBound: place !== undefined,
    write: ({ after, ...page }, context) =>
      walkStatement(conditions, { ...page, after: after && atNumber(after), unit: walk.unit }, context),
  };
}

function byTokens(
  { type, count }: SearchQuery,
  { conditions, exact, listed, place }: SlicingOptions,
): Slicing | undefined {
  const isBound = place !== undefined;
  const { ids, dates, lastUpdated, tokens } = conditions;
  const canSlice = tokens.some(isListed) && ids.length + dates.length + lastUpdated.length === 0;
  if (!isBound && !(canSlice && listed?.isSliced && isCostly(listed, count))) return undefined;
  return {
    order: orderOf(place),
    stages: canSlice ? slicedStages(conditions, exact, !isBound) : [gatheringSliced(exact)],
    isBound,
    write: (page, context) =>
      sliceStatement(conditions, { ...page, slicesNeeded: neededFor(page, listed) ?? slicesAtFirst, type }, context),
    ...(listed &&
      canSlice && { estimate: (context) => sliceEstimate(conditions, { type, matches: listed.matches }, context) }),
  };
}

/** Whoever does not know where the days begin may ask for that first. */
function byDays({ type, count }: SearchQuery, options: SlicingOptions): Slicing | undefined {
  const { conditions, order, place, tokenOf, sampleOf } = options;
  const parameter = walkedDate(order, conditions);
  // The days that are asked for are gone along anyway.
  const tokens = conditions.tokens.filter(({ ofDate, ...one }) => ofDate === undefined && isListed(one));
  const listed = listedOf(tokens, sampleOf?.(type), tokenOf);
  const both = tokens.length === conditions.tokens.length ? listed : options.listed;
  if (!parameter || !listed || !both || !isCostly(listed, count) || !isCostly(both, count)) return undefined;
  const beginMs = place?.position ? beginBehind(place.position) : options.beginMs;
  // The last page begins with those that have no date.
  if (beginMs === undefined && (place?.position || order.isReversed)) return undefined;
  const way = { order, isBound: false } as const;
  if (beginMs === undefined) {
    return { ...way, stages: [], begin: (context) => beginStatement(parameter, order, conditions, context) };
  }
  return {
    ...way,
    stages: [{ by: 'slicing', conditions, max: candidatesMax, isSliced: true }],
    write: (page, context) => dayStatement({ parameter, beginMs }, conditions, page, context),
  };
}

function isCostly({ matches, share }: Listed, count: number): boolean {
  const [lookedUp, walked] = [2 * matches, (count + 1) / share];
  return Math.min(lookedUp, walked) > readMax(count) && matches > matchesMin;
}

function byLinks(
  condition: LinkedCondition,
  query: SearchQuery,
  { place, tokenOf, sampleOf }: SlicingOptions,
): Slicing | undefined {
  const sample = sampleOf?.(condition.type);
  const isBound = place !== undefined;
  if (!canWalkLinks(condition) || !(isBound || (sample?.isSliced && isNarrow(condition)))) return undefined;
  const listed = listedOf(sortConditions(condition.conditions).tokens, sample, tokenOf);
  const walkFor = (page: Bounded): LinkWalk => ({ condition, slicesNeeded: neededFor(page, listed) ?? 0 });
  const isMany = (listed?.matches ?? 0) > linkedMin;
  return {
    order: orderOf(place),
    stages: linkStages(sortConditions([condition]), isBound, isMany),
    isBound,
    isEstimated: condition.isReverse,
    write: (page, context) => linkStatement(walkFor(page), page, context),
    ...(listed && isMany && { estimate: (context) => linkEstimate(walkFor(query), listed.matches, context) }),
  };
}

function orderOf(place: PagePlace | undefined): SortOrder {
  return { keys: [], idDescends: false, isReversed: place?.isBackward ?? false, isSliced: true };
}

type Bounded = Pick<PageOptions, 'count' | 'rowsMax'>;

/** Where few of those in a slice are meant, as many as a walk may read. Undefined where nothing is known. */
function neededFor({ count, rowsMax }: Bounded, listed: Listed | undefined): number | undefined {
  if (!listed) return undefined;
  const slicesOf = (rows: number) => Math.ceil((rows * slicesCount) / listed.matches);
  const caution = 1 + deviations / Math.sqrt(listed.share * sampleSize);
  const needed = slicesOf(caution * (count + 1));
  return Math.min(rowsMax === walkMax ? Math.max(needed, slicesOf(walkMax / (1 + growth))) : needed, slicesCount);
}
