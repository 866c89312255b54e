// Where the pages around a page begin: https://hl7.org/fhir/R4/http.html#paging

import type { PagePlace, SortPosition } from './compile/sort.ts';

/** Each absent where there is no such page; a place without position is the first or the last page. */
export interface PageLinks {
  readonly next?: PagePlace;
  readonly previous?: PagePlace;
  readonly last?: PagePlace;
}

export interface PagePosition {
  /** Of the page itself; absent = the first. */
  readonly place: PagePlace | undefined;
  /** There is more in the direction the page was read. */
  readonly hasMore: boolean;
  /** Of the page's matches, in their order. */
  readonly positions: readonly SortPosition[];
  /** Of the list, which has the same order from any place. */
  readonly isSliced?: boolean;
}

/**
 * A page that was reached by a cursor has a neighbour where the cursor came from; it may have become empty since. From an empty
 * page the way back leads to that end of the list from which it was left.
 */
export function pageLinks({ place, hasMore, positions, isSliced = false }: PagePosition): PageLinks {
  const isBackward = place?.isBackward ?? false;
  const cameFrom = place?.position !== undefined;
  const order = isSliced ? { isSliced } : {};
  const placeAt = (direction: boolean, exists: boolean, position: SortPosition | undefined): PagePlace | undefined =>
    exists ? { isBackward: direction, ...(position && { position }), ...order } : undefined;
  const next = placeAt(false, isBackward ? cameFrom : hasMore, positions.at(-1));
  const previous = placeAt(true, isBackward ? hasMore : cameFrom, positions[0]);
  return {
    ...(next && { next }),
    ...(previous && { previous }),
    ...((next || previous) && { last: { isBackward: true, ...order } }),
  };
}
