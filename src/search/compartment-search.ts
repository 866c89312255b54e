// Runs a search for everything in a compartment within its bounds: https://hl7.org/fhir/R4/http.html#vsearch

import { type SendStatement, tooCostly } from './collect-page.ts';
import type { CompartmentQuery } from './compartment-query.ts';
import { candidatesMax } from './compile/candidates.ts';
import { memberCountStatement, memberStatement } from './compile/members.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { PagePlace, SortPosition } from './compile/sort.ts';
import { pageLinks } from './page-links.ts';
import type { SearchPage } from './run-search.ts';

/** References that are read for an accurate total. */
const accurateMax = 200_000;
/** And for an estimate, which is none where there are more. */
const estimateMax = 1_000;

/** Throws a FhirError `too-costly` when an accurate total or a filter by `_lastUpdated` would read beyond its bound. */
export async function runCompartmentSearch(
  query: CompartmentQuery,
  send: SendStatement,
  place?: PagePlace,
): Promise<SearchPage> {
  if (query.summary === 'count') return { matches: [], includes: [], total: await accurateTotal(query, send) };
  const { position, isBackward = false } = place ?? {};
  const rows = await send<SearchRow>(memberStatement(query, position && positionIn(position), isBackward));
  if (rows[0]?.overflow) {
    throw tooCostly(`More than ${candidatesMax} resources would have to be looked at; name fewer types in _type.`);
  }
  const found = rows.filter(({ mode }) => mode === 'match');
  const hasMore = found.length > query.count;
  const page = found.slice(0, query.count);
  const matches = isBackward ? page.toReversed() : page;
  const isWhole = !place && !hasMore;
  const total = isWhole && query.total !== 'none' ? matches.length : await totalOf(query, send);
  const positions = matches.map(({ type, id }) => ({ id: `${type}/${id}`, keys: [] }));
  return {
    matches,
    includes: [],
    ...pageLinks({ place, hasMore, positions }),
    ...(total !== undefined && { total }),
  };
}

/** A cursor's id is that of a resource among many types. */
function positionIn({ id: reference }: SortPosition) {
  const [type = '', id = ''] = reference.split('/');
  return { type, id };
}

async function totalOf(query: CompartmentQuery, send: SendStatement): Promise<number | undefined> {
  if (query.total === 'none') return undefined;
  return query.total === 'accurate' ? await accurateTotal(query, send) : await countUpTo(estimateMax, query, send);
}

async function accurateTotal(query: CompartmentQuery, send: SendStatement): Promise<number> {
  const total = await countUpTo(accurateMax, query, send);
  if (total === undefined)
    throw tooCostly(`More than ${accurateMax} references lead here; use _total=estimate or none.`);
  return total;
}

async function countUpTo(max: number, query: CompartmentQuery, send: SendStatement): Promise<number | undefined> {
  const [row] = await send<{ overflow: boolean; total: number }>(memberCountStatement(query, max));
  return row && !row.overflow ? row.total : undefined;
}
