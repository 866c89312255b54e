// What a search tries for its page, one statement after the other, until one stays within its bound: to gather what meets its
// conditions and sort that, to walk in the order of the sort and test each row, to go along the links of a few, or, where no order was
// asked for, slice by slice.

import { candidatesMax, type SortedConditions, sortConditions } from './candidates.ts';
import { canAnchor } from './linked-sets.ts';
import { listedLink } from './list-walk.ts';
import type { SortOrder } from './sort.ts';
import type { Stretches } from './time-walk.ts';
import { isWalkable } from './walk.ts';
import { walkMax } from './walk-bounds.ts';

export interface Stage {
  readonly by: 'gathering' | 'walking' | 'slicing' | 'listing' | 'stretching';
  /** In the order of slices, rather than in that of the query. */
  readonly isSliced?: true;
  readonly conditions: SortedConditions;
  /** Candidates, rows of the walk, or what each stretch may find. */
  readonly max: number;
  /** Of time, one after the other. */
  readonly stretches?: Stretches;
}

export interface StageOptions {
  /** Those on common tokens are marked wide. */
  readonly conditions: SortedConditions;
  /** The same, where some are marked: what a sample says may be wrong, so that they are looked up after all else. */
  readonly exact: SortedConditions | undefined;
  readonly order: SortOrder;
  /** Among the resources of one code, which are in the order of the sort. */
  readonly isOfCode: boolean;
  /** Of the rows of a walk, as many as are probably needed for the page. */
  readonly walkNeeded: number;
}

/** So few are gathered before it is known whether an index on times or numbers, or one of links, finds many more. */
const fewMax = { stretch: 300, linked: 100 };
/** Fewer where slices follow, for they are quick. */
const fewBeforeSlices = { stretch: 200, linked: 100 };
/** Short walks; few lengths, for each is a statement of its own. A row whose links are followed costs several. */
const shortWalks = [100, 500, 5_000] as const;
/** By chance a walk may need more than is to be expected. */
const caution = 2;

export function stagesOf({ conditions, exact, order, isOfCode, walkNeeded }: StageOptions): readonly Stage[] {
  const walking = (max: number = walkMax): Stage => ({ by: 'walking', conditions, max });
  const gathering = (of: SortedConditions, max = candidatesMax): Stage => ({ by: 'gathering', conditions: of, max });
  const isLinked = conditions.composed.some(canAnchor);
  const least = isLinked ? shortWalks[0] : shortWalks[1];
  const short = shortWalks.find((max) => max >= Math.max(caution * walkNeeded, least));
  const last = exact ? [gathering(exact)] : [];
  if (walksFirst(conditions, order, isOfCode)) {
    if (isOfCode) return [walking(), gathering(exact ?? conditions)];
    return exact && short !== undefined ? [walking(short), ...last, walking()] : [walking(), ...last];
  }
  if (!isWalkable(order)) return [gathering(conditions), ...last];
  const rest = [gathering(conditions), walking(), ...last];
  if (!startsOpen(conditions) || short === undefined) return rest;
  const listing = listedLink(conditions, order) ? [{ by: 'listing', conditions, max: walkMax } as const] : [];
  return [gathering(conditions, isLinked ? fewMax.linked : fewMax.stretch), ...listing, walking(short), ...rest];
}

/**
 * Ahead of the others, or, where a page before went slice by slice, in their place: then also where few of those in a slice are
 * meant, by chance enough of them for that page and too few for the next.
 */
export function slicedStages(
  conditions: SortedConditions,
  exact: SortedConditions,
  isFirst: boolean,
): readonly Stage[] {
  const asWide = sortConditions(
    conditions.all.map((condition) => (condition.kind === 'tokens' ? { ...condition, isWide: true } : condition)),
  );
  const few = asWide.composed.some(canAnchor) ? fewBeforeSlices.linked : fewBeforeSlices.stretch;
  return [
    ...(startsOpen(asWide) ? [gatheringSliced(asWide, few)] : []),
    slicing(conditions),
    ...(isFirst ? [] : [gatheringSliced(exact), slicing(conditions, walkMax)]),
  ];
}

export function gatheringSliced(conditions: SortedConditions, max = candidatesMax): Stage {
  return { by: 'gathering', conditions, max, isSliced: true };
}

function slicing(conditions: SortedConditions, max = candidatesMax): Stage {
  return { by: 'slicing', conditions, max, isSliced: true };
}

/** Where the linked resources are many, or a page before went by their slices, that is where it begins. */
export function linkStages(conditions: SortedConditions, isBound: boolean, isMany: boolean): readonly Stage[] {
  if (isBound) return [slicing(conditions), slicing(conditions, walkMax)];
  return [...(isMany ? [] : [{ by: 'gathering', conditions, max: fewMax.linked } as const]), slicing(conditions)];
}

/** True when the index that gives the order is also the one that finds, or nothing is asked that another could find soon. */
function walksFirst(
  { tokens, ids, dates, lastUpdated, composed, ranges }: SortedConditions,
  order: SortOrder,
  isOfCode: boolean,
): boolean {
  if (composed.some(canAnchor) || ranges.length > 0) return false;
  const by = order.keys[0]?.by;
  // The days of a walk along the dates are where it goes anyway, and a page of a day is soon full.
  const walksDays = dates.some(({ isSingle, parameter }) => isSingle && parameter === codeOf(by));
  const looked = tokens.filter(({ isWide, ofDate }) => !isWide && !(walksDays && ofDate === codeOf(by)));
  if (!isWalkable(order) || looked.length > Number(isOfCode) || ids.length > 0) return false;
  if (dates.length > 0) return walksDays;
  return lastUpdated.length === 0 || by === 'lastUpdated';
}

function codeOf(by: SortOrder['keys'][number]['by'] | undefined): string | undefined {
  return typeof by === 'object' ? by.code : undefined;
}

/** From a stretch of time or numbers or from links, which may lead to a few resources or to all. */
function startsOpen({ tokens, ids, dates, lastUpdated, composed, ranges }: SortedConditions): boolean {
  if (ids.length > 0 || !tokens.every(({ isWide }) => isWide)) return false;
  return ranges.length > 0 || dates.length > 0 || lastUpdated.length > 0 || composed.some(canAnchor);
}
