// Sorts by what the database cannot order, for it is stored encrypted: all matches are opened and sorted in the process
// (README, Search). https://hl7.org/fhir/R4/search.html#sort

import { setImmediate } from 'node:timers/promises';
import type { Resource } from '@medplum/fhirtypes';
import { type FoundPage, tooCostly } from './collect-page.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { PagePlace, SortOrder, SortPosition } from './compile/sort.ts';
import { comparePositions, isOrdered, positionIn } from './sort-key.ts';

/** More matches are not opened to be sorted. */
export const sortedMax = 1000;

export interface OpenedSort {
  readonly order: SortOrder;
  /** Gives all matches, at most so many. */
  readonly collect: (count: number) => Promise<FoundPage>;
  readonly open: (row: SearchRow) => Promise<Resource>;
}

/** Throws a FhirError `too-costly` when there are more than `sortedMax` matches. */
export async function collectSorted(search: OpenedSort, count: number, place?: PagePlace): Promise<FoundPage> {
  const found = await search.collect(sortedMax);
  if (found.hasMore) throw tooMany(search.order);
  const positions = await positionsOf(found.matches, search);
  const compare = (a: SortPosition, b: SortPosition) =>
    place?.isBackward ? comparePositions(search.order, b, a) : comparePositions(search.order, a, b);
  const at = place?.position;
  const sorted = [...positions]
    .filter(([, position]) => at === undefined || compare(position, at) > 0)
    .sort(([, a], [, b]) => compare(a, b))
    .map(([row]) => row);
  return {
    matches: sorted.slice(0, count),
    hasMore: sorted.length > count,
    positionOf: (row) => positions.get(row) as SortPosition,
    matched: found.matches.length,
  };
}

function tooMany({ keys }: SortOrder): Error {
  const names = keys.flatMap((key) => (typeof key.by === 'string' || isOrdered(key) ? [] : [`"${key.by.code}"`]));
  return tooCostly(
    `Only up to ${sortedMax} matches are sorted by ${names.join(', ')}, for what that reads is stored encrypted; add a narrower parameter, or sort by _id, _lastUpdated, a date, a number or a quantity.`,
  );
}

/** Others get their turn in between: to open a thousand resources takes a while. */
async function positionsOf(
  rows: readonly SearchRow[],
  { order, open }: OpenedSort,
): Promise<Map<SearchRow, SortPosition>> {
  const positions = new Map<SearchRow, SortPosition>();
  for (const row of rows) {
    positions.set(row, positionIn(order, row, await open(row)));
    if (positions.size % 100 === 0) await setImmediate();
  }
  return positions;
}
