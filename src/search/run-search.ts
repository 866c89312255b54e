// Runs a search within its bounds: its statements, the recheck where the index is inexact, what is included, and the total.

import type { Resource } from '@medplum/fhirtypes';
import type { Issue } from '../fhir/outcome.ts';
import { collectIncludes, type VisibleRows } from './collect-includes.ts';
import { collectPage, type FoundPage, type SendStatement, tooCostly } from './collect-page.ts';
import type { SearchRow } from './compile/select-page.ts';
import { type PagePlace, type SortPosition, sortOrder } from './compile/sort.ts';
import { type CompiledSearch, type CompileOptions, compileSearch } from './compile-search.ts';
import type { KeyedClasses } from './count-classes.ts';
import { type PageLinks, pageLinks } from './page-links.ts';
import { collectRechecked, countRechecked } from './recheck.ts';
import type { SearchQuery } from './search-query.ts';
import { settle } from './settle.ts';
import { shortenChains } from './shorten-chains.ts';
import { isOrdered } from './sort-key.ts';
import { collectSorted } from './sort-opened.ts';
import { type SampleOf, sampleTokens } from './token-sample.ts';

export interface SearchAccess {
  readonly send: SendStatement;
  /** The keyed token of a text of token-text.ts. */
  readonly tokenOf: (text: string) => bigint;
  /** Of a search by bound codes alone, the classes that it asks for, keyed. */
  readonly classesOf?: (query: SearchQuery) => KeyedClasses | undefined;
  /** Decrypts a row, for searches that need a recheck. */
  readonly open: (row: SearchRow) => Promise<Resource>;
  /** What the caller may be sent along with matches; absent = every type. */
  readonly readableTypes?: readonly string[] | undefined;
  /** Where rules are on rows: of what is included, what the caller may see. */
  readonly visible?: VisibleRows | undefined;
}

export interface SearchPage extends PageLinks {
  readonly matches: readonly SearchRow[];
  readonly includes: readonly SearchRow[];
  /** Absent when it is not wanted. */
  readonly total?: number;
  /** True when there may be more or fewer than the total says. */
  readonly isEstimate?: boolean;
  /** What the answer leaves out, apart from what the request did not let itself be understood for. */
  readonly warnings?: readonly Issue[];
}

/** An estimated total is exact up to so many and marked beyond; an accurate one is exact up to so many or too costly. */
const estimateMax = 1000;
export const accurateMax = 200_000;
/** What a small part says is only taken where it says so many times as much. */
const surelyMore = 2;

/** Throws a FhirError `too-costly` when the search cannot be answered within its bounds. */
export async function runSearch(asked: SearchQuery, access: SearchAccess, place?: PagePlace): Promise<SearchPage> {
  const query = await shortenChains(await settle(asked, access), access);
  const search = new RunningSearch(query, { ...access, sampleOf: await sampleTokens(query, access) }, place);
  if (query.summary === 'count') return { matches: [], includes: [], total: await search.accurateTotal() };
  const [page, counted] = await bothOf(search.page(), search.counted());
  const { rows, warnings } = await collectIncludes({
    includes: query.includes,
    readableTypes: access.readableTypes,
    matches: page.matches,
    first: page.includes,
    send: access.send,
    visible: access.visible,
  });
  const matches = place?.isBackward ? page.matches.toReversed() : page.matches;
  return {
    matches,
    includes: rows,
    ...pageLinks({ place, hasMore: page.hasMore, ...search.placed(matches.map(page.positionOf)) }),
    ...(await search.total(page, counted)),
    ...(warnings.length > 0 && { warnings }),
  };
}

type SampledAccess = SearchAccess & { readonly sampleOf: SampleOf | undefined };
type Total = Pick<SearchPage, 'total' | 'isEstimate'>;

class RunningSearch {
  readonly #query: SearchQuery;
  readonly #access: SampledAccess;
  readonly #place: PagePlace | undefined;
  readonly #compiled: CompiledSearch;

  constructor(query: SearchQuery, access: SampledAccess, place: PagePlace | undefined) {
    this.#query = query;
    this.#access = access;
    this.#place = place;
    const classes = query.total === 'none' ? undefined : access.classesOf?.(query);
    this.#compiled = this.#compile(isSorted(query) ? inStoredOrder(query) : query, place, { classes });
  }

  async page(): Promise<FoundPage> {
    const query = this.#query;
    if (!isSorted(query)) return await this.#collect(query, this.#place);
    const search = {
      order: sortOrder(query.sort),
      open: this.#access.open,
      collect: (count: number) => this.#collect({ ...inStoredOrder(query), count }, undefined),
    };
    return await collectSorted(search, query.count, this.#place);
  }

  async #collect(query: SearchQuery, place: PagePlace | undefined): Promise<FoundPage> {
    const { send, open } = this.#access;
    const { recheck, namesOf } = this.#compiled;
    if (!recheck) {
      const compiled = query === this.#query ? this.#compiled : this.#compile(query, place);
      // Without a turn in between, for the counter travels in the same message.
      const begun = compiled.beginStatement ? await this.#begun(compiled, query, place) : compiled;
      return await collectPage(begun, query.count, send);
    }
    const search = {
      recheck,
      names: namesOf('rechecked'),
      send,
      open,
      compile: this.#batches(query, place),
      isCounted: query.total !== 'none' && !place,
    };
    return await collectRechecked(search, query.count, place?.position);
  }

  /** Compiled again where a moment has to be known first. */
  async #begun(compiled: CompiledSearch, query: SearchQuery, place: PagePlace | undefined): Promise<CompiledSearch> {
    const [row] = compiled.beginStatement ? await this.#access.send<{ low?: Date }>(compiled.beginStatement) : [];
    return row?.low ? this.#compile(query, place, { beginMs: row.low.getTime() }) : compiled;
  }

  async total({ matches, hasMore, matched, moreThan = 0 }: FoundPage, counted: number | undefined): Promise<Total> {
    const { total } = this.#query;
    if (total === 'none') return {};
    if (!this.#place && !hasMore) return { total: matches.length };
    if (matched !== undefined) return { total: matched };
    if (counted !== undefined) return { total: counted };
    if (total === 'accurate') return { total: await this.accurateTotal() };
    if (moreThan >= estimateMax) return { total: moreThan + 1, isEstimate: true };
    const probable = await this.#probableTotal();
    if (probable !== undefined)
      return { total: Math.max(probable, matches.length + Number(hasMore)), isEstimate: true };
    const [row] = await this.#access.send<{ total: number; is_whole: boolean }>(
      this.#compiled.estimateStatement(estimateMax),
    );
    const isWhole = row?.is_whole === true;
    const found = Math.round((row?.total ?? 0) * (isWhole ? 1 : (this.#compiled.wideShare ?? 1)));
    const isExact = isWhole && found <= estimateMax;
    if (isExact) return { total: this.#compiled.recheck ? await this.accurateTotal() : found };
    return { total: Math.max(found, matches.length + Number(hasMore)), isEstimate: true };
  }

  /** What is known ahead of a count to be more than is counted. */
  async #probableTotal(): Promise<number | undefined> {
    const { probableTotal, firstEstimate, isEstimated = false } = this.#compiled;
    if (probableTotal !== undefined) return probableTotal > estimateMax ? probableTotal : undefined;
    if (!firstEstimate) return undefined;
    const [row] = await this.#access.send<{ total: number }>(firstEstimate);
    return row && (isEstimated || row.total > surelyMore * estimateMax) ? row.total : undefined;
  }

  /** From counters: cheap enough to travel with the page, before it is known whether that is the only one. */
  async counted(): Promise<number | undefined> {
    const { counterStatement } = this.#compiled;
    if (!counterStatement || this.#query.total === 'none') return undefined;
    const [row] = await this.#access.send<{ total: number | null }>(counterStatement);
    return row?.total ?? undefined;
  }

  async accurateTotal(): Promise<number> {
    const counted = await this.counted();
    if (counted !== undefined) return counted;
    const { recheck, namesOf, countStatement } = this.#compiled;
    const { send, open } = this.#access;
    if (recheck) {
      const compile = this.#batches(inStoredOrder(this.#query), undefined);
      return await countRechecked({ recheck, names: namesOf('rechecked'), send, open, compile });
    }
    const [row] = await send<{ total: number; is_whole: boolean }>(countStatement(accurateMax));
    if (row?.is_whole === false)
      throw tooCostly('Too many linked resources would have to be followed to count exactly.');
    const total = row?.total ?? 0;
    if (total <= accurateMax) return total;
    throw tooCostly(`There are more than ${accurateMax} matches; use _total=estimate or none.`);
  }

  /** Candidates for a recheck, page by page; what only they include is of no use. */
  #batches(query: SearchQuery, place: PagePlace | undefined) {
    const placeOf = (position: SortPosition): PagePlace => {
      return { isBackward: place?.isBackward ?? false, isSliced: this.#isSliced([position]), position };
    };
    return (position: SortPosition | undefined, count: number, wholeMax?: number): CompiledSearch =>
      this.#compile({ ...query, count, includes: [] }, position ? placeOf(position) : place, { wholeMax });
  }

  /** With the order of their list. */
  placed(positions: readonly SortPosition[]) {
    return { positions, isSliced: this.#isSliced(positions) };
  }

  /** The first page decides about the order of the others. */
  #isSliced(positions: readonly SortPosition[]): boolean {
    if (this.#query.sort[0]?.isFree !== true) return false;
    return this.#place ? (this.#place.isSliced ?? false) : positions.some(({ keys }) => keys.length > 0);
  }

  #compile(
    query: SearchQuery,
    place: PagePlace | undefined,
    known: Pick<CompileOptions, 'beginMs' | 'wholeMax' | 'classes'> = {},
  ): CompiledSearch {
    const { tokenOf, readableTypes, sampleOf } = this.#access;
    return compileSearch(query, { tokenOf, place, readableTypes, sampleOf, ...known });
  }
}

/** True when the matches are sorted in the process. */
function isSorted({ sort }: SearchQuery): boolean {
  return !sort.every(isOrdered);
}

/** The search for all matches in an order that the database has. */
function inStoredOrder(query: SearchQuery): SearchQuery {
  return { ...query, sort: [{ by: 'id', isDescending: false }], includes: [] };
}

/** Nothing may be under way any more when the transaction ends. */
async function bothOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}
