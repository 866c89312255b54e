// Finds, ahead of a search, what only a look at the resources themselves tells about one that is linked, or is one alternative:
// a recheck of the matches would look at the wrong resource, or not know which alternative was met.

import { tooCostly } from './collect-page.ts';
import { compileCriteria } from './compile/criteria.ts';
import { compileSearch } from './compile-search.ts';
import { leavesOf, mapLeaves, partNames } from './criterion-tree.ts';
import { printable } from './parse/search-notes.ts';
import { collectRechecked, type RecheckedSearch } from './recheck.ts';
import type { Criterion, SearchQuery } from './search-query.ts';

export interface SettleAccess extends Pick<RecheckedSearch, 'send' | 'open'> {
  readonly tokenOf: (text: string) => bigint;
}

/** Each is a search of its own. */
const settlesMax = 10;
/** More resources are not put in the place of what finds them. */
const settledMax = 1000;

/** The same search with ids where a recheck would be needed inside; throws `too-costly` when these would be too many. */
export async function settle(query: SearchQuery, access: SettleAccess): Promise<SearchQuery> {
  const leaves = query.criteria
    .flatMap((criterion) =>
      isRecheckedWhole(criterion) ? [] : leavesOf(criterion, query.type).map(insideOf(criterion)),
    )
    .filter(({ isInside, criterion }) => isInside && compileCriteria([criterion]).recheck);
  if (leaves.length === 0) return query;
  if (leaves.length > settlesMax) {
    throw tooCostly(
      `More than ${settlesMax} parts of the search need a look at resources of their own; ask for fewer.`,
    );
  }
  // All are sent before the first is awaited, so that they travel in one message, and none is under way when one is refused.
  const found = await Promise.allSettled(leaves.map((leaf) => idsOf(leaf, query, access)));
  const settled = new Map<Criterion, Criterion>();
  for (const [index, result] of found.entries()) {
    if (result.status === 'rejected') throw result.reason;
    const leaf = leaves[index]?.criterion;
    if (leaf) settled.set(leaf, { kind: 'id', ids: result.value });
  }
  const criteria = query.criteria.map((criterion) =>
    mapLeaves(criterion, query.type, (leaf) => settled.get(leaf) ?? leaf),
  );
  return { ...query, criteria };
}

interface Leaf {
  readonly criterion: Criterion;
  readonly type: string;
}

function insideOf(outer: Criterion): (leaf: Leaf) => Leaf & { readonly isInside: boolean } {
  return (leaf) => ({ ...leaf, isInside: leaf.criterion !== outer });
}

/** Where nothing but the recheck decides, its opposite does as well: see compile/composed.ts. */
function isRecheckedWhole(criterion: Criterion): boolean {
  if (criterion.kind !== 'not' || leavesOf(criterion, '').length !== criterion.criteria.length) return false;
  if (!criterion.criteria.every((one) => leavesOf(one, '')[0]?.criterion === one)) return false;
  const { conditions, recheck } = compileCriteria(criterion.criteria);
  return recheck !== undefined && conditions.length === 0;
}

async function idsOf({ criterion, type }: Leaf, query: SearchQuery, access: SettleAccess): Promise<string[]> {
  const { recheck } = compileCriteria([criterion]);
  if (!recheck) return [];
  const inner: SearchQuery = {
    ...query,
    type,
    criteria: [criterion],
    sort: [{ by: 'id', isDescending: false }],
    includes: [],
    count: settledMax,
  };
  const compile: RecheckedSearch['compile'] = (position, count) => {
    const place = { isBackward: false, ...(position && { position }) };
    return compileSearch({ ...inner, count }, { tokenOf: access.tokenOf, place });
  };
  const { matches, hasMore } = await collectRechecked(
    { recheck, names: partNames([criterion]), compile, send: access.send, open: access.open },
    settledMax,
    undefined,
  );
  if (!hasMore) return matches.map(({ id }) => id);
  throw tooCostly(
    `More than ${settledMax} of ${type} meet ${partNames([criterion]).map(printable).join(', ') || 'a part'} inside another condition; ask for it more narrowly.`,
  );
}
