// Runs a search across types, one after the other in their order: https://hl7.org/fhir/R4/http.html#search

import { tooCostly } from './collect-page.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { PagePlace } from './compile/sort.ts';
import type { SearchStatement } from './compile/sql.ts';
import { pageLinks } from './page-links.ts';
import { accurateMax, runSearch, type SearchAccess, type SearchPage } from './run-search.ts';
import type { SearchQuery } from './search-query.ts';
import type { SystemQuery } from './system-query.ts';

/** Makes a query of one type ready to run. */
export type PrepareQuery = (query: SearchQuery) => Promise<SearchQuery>;

/** Types of which the tenant has nothing cost nothing. Throws a FhirError `too-costly` when one of the searches is. */
export async function runSystemSearch(
  query: SystemQuery,
  access: SearchAccess,
  prepare: PrepareQuery,
  place?: PagePlace,
): Promise<SearchPage> {
  const types = await presentTypes(query, access);
  const search = { query, access, prepare };
  if (query.summary === 'count') return { matches: [], includes: [], total: await countAll(search, types) };
  const { matches, hasMore } = await collect(search, types, place);
  const isWhole = !place && !hasMore;
  const total = await totalOf(search, types, isWhole ? matches.length : undefined);
  const positions = matches.map(({ type, id }) => ({ id: `${type}/${id}`, keys: [] }));
  return {
    matches,
    includes: [],
    ...pageLinks({ place, hasMore, positions }),
    ...(total !== undefined && { total }),
  };
}

interface SystemSearch {
  readonly query: SystemQuery;
  readonly access: SearchAccess;
  readonly prepare: PrepareQuery;
}

async function presentTypes({ types }: SystemQuery, { send }: SearchAccess): Promise<string[]> {
  const rows = await send<{ type: string }>(presentTypesStatement(types));
  const present = new Set(rows.map(({ type }) => type));
  return types.filter((type) => present.has(type));
}

/** LIMIT inside makes it one look into the primary key for each type. */
export function presentTypesStatement(types: readonly string[]): SearchStatement {
  return {
    name: 'present-types',
    text: `SELECT t.type FROM unnest($1::text[]) AS t(type)
           CROSS JOIN LATERAL (SELECT FROM resource r WHERE r.type = t.type LIMIT 1) r`,
    values: [types],
  };
}

/** In their order, whichever way they were read. */
async function collect(
  { query, access, prepare }: SystemSearch,
  types: readonly string[],
  place: PagePlace | undefined,
): Promise<{ matches: readonly SearchRow[]; hasMore: boolean }> {
  const isBackward = place?.isBackward ?? false;
  const [atType, atId = ''] = place?.position?.id.split('/') ?? [];
  const matches: SearchRow[] = [];
  for (const type of isBackward ? types.toReversed() : types) {
    if (atType !== undefined && type !== atType && type < atType !== isBackward) continue;
    // One more than the page takes tells that there is another page.
    const count = query.count - matches.length || 1;
    const position = type === atType ? { position: { id: atId, keys: [] } } : {};
    const page = await runSearch({ ...(await prepare(query.ofType(type))), count }, access, {
      isBackward,
      ...position,
    });
    if (matches.length === query.count && page.matches.length > 0) return { matches, hasMore: true };
    if (isBackward) matches.unshift(...page.matches);
    else matches.push(...page.matches);
    if (isBackward ? page.previous : page.next) return { matches, hasMore: true };
  }
  return { matches, hasMore: false };
}

/** An estimate is given where it is exact. */
async function totalOf(
  search: SystemSearch,
  types: readonly string[],
  known: number | undefined,
): Promise<number | undefined> {
  const { total } = search.query;
  if (total === 'none') return undefined;
  return total === 'accurate' ? (known ?? (await countAll(search, types))) : known;
}

async function countAll({ query, access, prepare }: SystemSearch, types: readonly string[]): Promise<number> {
  let sum = 0;
  for (const type of types) {
    const { total = 0 } = await runSearch({ ...(await prepare(query.ofType(type))), summary: 'count' }, access);
    sum += total;
    if (sum > accurateMax) throw tooCostly(`There are more than ${accurateMax} matches; name fewer types in _type.`);
  }
  return sum;
}
