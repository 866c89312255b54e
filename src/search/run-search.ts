// Runs a search within its bounds: its statements, the recheck where the index is inexact, and the total.

import type { Resource } from '@medplum/fhirtypes';
import { collectPage, type FoundPage, type SendStatement, tooCostly } from './collect-page.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { SortPosition } from './compile/sort.ts';
import { type CompiledSearch, compileSearch } from './compile-search.ts';
import { collectRechecked, countRechecked, type RecheckedSearch } from './recheck.ts';
import type { SearchQuery } from './search-query.ts';

export interface SearchAccess {
  readonly send: SendStatement;
  /** The keyed token of a text of token-text.ts. */
  readonly tokenOf: (text: string) => bigint;
  /** Decrypts a row, for searches that need a recheck. */
  readonly open: (row: SearchRow) => Promise<Resource>;
}

export interface SearchPage {
  readonly matches: readonly SearchRow[];
  readonly includes: readonly SearchRow[];
  /** Where the next page begins; absent on the last. */
  readonly next?: SortPosition;
  /** Absent when not asked for, or when there are too many to count for an estimate. */
  readonly total?: number;
}

/** An estimated total is exact up to so many and absent beyond; an accurate one is exact up to so many or too costly. */
const estimateMax = 1000;
export const accurateMax = 200_000;

/** Throws a FhirError `too-costly` when the search cannot be answered within its bounds. */
export async function runSearch(query: SearchQuery, access: SearchAccess, after?: SortPosition): Promise<SearchPage> {
  const search = new RunningSearch(query, access, after);
  if (query.summary === 'count') return { matches: [], includes: [], total: await search.accurateTotal() };
  const { matches, includes, next } = await search.page();
  const total = await search.total();
  return { matches, includes, ...(next && { next }), ...(total !== undefined && { total }) };
}

class RunningSearch {
  readonly #query: SearchQuery;
  readonly #access: SearchAccess;
  readonly #after: SortPosition | undefined;
  readonly #compiled: CompiledSearch;
  readonly #rechecked: RecheckedSearch | undefined;
  #page: FoundPage | undefined;

  constructor(query: SearchQuery, access: SearchAccess, after: SortPosition | undefined) {
    const compile: RecheckedSearch['compile'] = (position, count) =>
      compileSearch({ ...query, count }, { tokenOf: access.tokenOf, ...(position && { after: position }) });
    this.#query = query;
    this.#access = access;
    this.#after = after;
    this.#compiled = compile(after, query.count);
    const { recheck } = this.#compiled;
    this.#rechecked = recheck && { recheck, compile, send: access.send, open: access.open };
  }

  async page(): Promise<FoundPage> {
    const { count } = this.#query;
    this.#page ??= this.#rechecked
      ? await collectRechecked(this.#rechecked, count, this.#after)
      : await collectPage(this.#compiled, count, this.#access.send);
    return this.#page;
  }

  async total(): Promise<number | undefined> {
    if (this.#query.total === 'none') return undefined;
    const { matches, next, matched, isCrowded } = await this.page();
    if (!this.#after && !next) return matches.length;
    if (matched !== undefined) return matched;
    if (this.#query.total === 'accurate') return await this.accurateTotal();
    if (this.#rechecked || isCrowded) return undefined;
    const total = await this.#countUpTo(estimateMax);
    return total > estimateMax ? undefined : total;
  }

  async accurateTotal(): Promise<number> {
    if (this.#rechecked) return await countRechecked(this.#rechecked);
    const total = await this.#countUpTo(accurateMax);
    if (total > accurateMax)
      throw tooCostly(`There are more than ${accurateMax} matches; use _total=estimate or none.`);
    return total;
  }

  async #countUpTo(max: number): Promise<number> {
    const [row] = await this.#access.send<{ total: number }>(this.#compiled.countStatement(max));
    return row?.total ?? 0;
  }
}
