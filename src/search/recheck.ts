// Decides on decrypted resources what the index alone cannot, such as a prefix longer than its tokens, page by page.

import type { Resource } from '@medplum/fhirtypes';
import { collectPage, type FoundPage, positionOf, type SendStatement, tooCostly } from './collect-page.ts';
import { candidatesMax } from './compile/candidates.ts';
import type { Recheck } from './compile/condition.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { SortPosition } from './compile/sort.ts';
import type { CompiledSearch } from './compile-search.ts';

export interface RecheckedSearch {
  readonly recheck: Recheck;
  /** The search for candidates behind a position. */
  readonly compile: (after: SortPosition | undefined, count: number) => CompiledSearch;
  readonly send: SendStatement;
  /** Decrypts a row. */
  readonly open: (row: SearchRow) => Promise<Resource>;
}

const batchCountMin = 200;
const batchCountMax = 1000;

/** Takes candidates until the page is full and one more match is known. */
export async function collectRechecked(
  search: RecheckedSearch,
  count: number,
  after: SortPosition | undefined,
): Promise<FoundPage> {
  const matches: SearchRow[] = [];
  const includes = new Map<string, SearchRow>();
  for await (const batch of batches(search, Math.max(count, batchCountMin), after)) {
    matches.push(...(await matchesOf(batch, search)));
    for (const row of batch.includes) includes.set(`${row.type}/${row.id}`, withSources(row, includes));
    if (matches.length > count) break;
  }
  return cutPage(matches, [...includes.values()], count);
}

export async function countRechecked(search: RecheckedSearch): Promise<number> {
  let total = 0;
  for await (const batch of batches(search, batchCountMax, undefined)) total += (await matchesOf(batch, search)).length;
  return total;
}

async function* batches(
  { compile, send }: RecheckedSearch,
  count: number,
  after: SortPosition | undefined,
): AsyncGenerator<FoundPage> {
  let from = after;
  for (let seen = 0; seen < candidatesMax; seen += count) {
    const batch = await collectPage(compile(from, count), count, send);
    yield batch;
    if (!batch.next) return;
    from = batch.next;
  }
  throw tooCostly('Too many candidates would have to be decrypted; add a narrower parameter.');
}

async function matchesOf({ matches }: FoundPage, { recheck, open }: RecheckedSearch): Promise<SearchRow[]> {
  const kept: SearchRow[] = [];
  for (const row of matches) if (recheck(await open(row))) kept.push(row);
  return kept;
}

function withSources(row: SearchRow, known: ReadonlyMap<string, SearchRow>): SearchRow {
  const before = known.get(`${row.type}/${row.id}`)?.sources ?? [];
  return { ...row, sources: [...before, ...(row.sources ?? [])] };
}

/** Leaves out what only candidates include that are no matches of the page. */
function cutPage(found: readonly SearchRow[], includes: readonly SearchRow[], count: number): FoundPage {
  const matches = found.slice(0, count);
  const ids = new Set(matches.map(({ id }) => id));
  const last = found.length > count ? matches.at(-1) : undefined;
  return {
    matches,
    includes: includes.filter(({ sources }) => sources?.some((id) => ids.has(id))),
    ...(last && { next: positionOf(last) }),
  };
}
