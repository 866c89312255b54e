// Decides on decrypted resources what the index alone cannot, such as a prefix longer than its tokens, page by page.

import type { Resource } from '@medplum/fhirtypes';
import { collectPage, type FoundPage, positionOf, type SendStatement, tooCostly } from './collect-page.ts';
import { candidatesMax } from './compile/candidates.ts';
import type { Recheck } from './compile/condition.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { SortPosition } from './compile/sort.ts';
import type { CompiledSearch } from './compile-search.ts';
import { printable } from './parse/search-notes.ts';

export interface RecheckedSearch {
  readonly recheck: Recheck;
  /** What the recheck is for. */
  readonly names?: readonly string[] | undefined;
  /** The search for candidates behind a position, in the direction of the page; all of them where they are at most `wholeMax`. */
  readonly compile: (after: SortPosition | undefined, count: number, wholeMax?: number) => CompiledSearch;
  /** All candidates are opened anyway where they are few, for their number is told. */
  readonly isCounted?: boolean;
  readonly send: SendStatement;
  /** Decrypts a row. */
  readonly open: (row: SearchRow) => Promise<Resource>;
}

const batchCountMin = 200;
const batchCountMax = 1000;

/** Takes candidates until the page is full and one more match is known. What it includes is to be asked for apart. */
export async function collectRechecked(
  search: RecheckedSearch,
  count: number,
  after: SortPosition | undefined,
): Promise<FoundPage> {
  const matches: SearchRow[] = [];
  let isWhole = false;
  for await (const batch of batches(search, Math.max(count, batchCountMin), after)) {
    matches.push(...(await matchesOf(batch, search)));
    isWhole = !batch.hasMore && after === undefined;
    if (matches.length > count) break;
  }
  return {
    matches: matches.slice(0, count),
    hasMore: matches.length > count,
    positionOf,
    ...(isWhole && { matched: matches.length }),
  };
}

export async function countRechecked(search: RecheckedSearch): Promise<number> {
  let total = 0;
  for await (const batch of batches(search, batchCountMax, undefined)) total += (await matchesOf(batch, search)).length;
  return total;
}

async function* batches(
  { compile, send, names = [], isCounted = false }: RecheckedSearch,
  count: number,
  after: SortPosition | undefined,
): AsyncGenerator<FoundPage> {
  let from = after;
  for (let seen = 0; seen < candidatesMax; seen += count) {
    const wholeMax = isCounted && from === undefined ? batchCountMax : 0;
    const batch = await collectPage(compile(from, count, wholeMax), count, send, wholeMax);
    yield batch;
    const last = batch.matches.at(-1);
    if (!batch.hasMore || !last) return;
    from = batch.positionOf(last);
  }
  const part = names.length > 0 ? ` for ${names.map(printable).join(', ')}` : '';
  throw tooCostly(`Too many candidates would have to be decrypted${part}; add a narrower parameter.`);
}

async function matchesOf({ matches }: FoundPage, { recheck, open }: RecheckedSearch): Promise<SearchRow[]> {
  const kept: SearchRow[] = [];
  for (const row of matches) if (recheck(await open(row))) kept.push(row);
  return kept;
}
