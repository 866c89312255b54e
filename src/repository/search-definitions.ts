// Search of a type of which the server has definitions of its own, found beside those that are stored: a canonical that
// resolves by reading must resolve by `url` as well: https://hl7.org/fhir/R4/references.html#canonical

import type { Resource } from '@medplum/fhirtypes';
import { collectIncludes } from '../search/collect-includes.ts';
import { positionOf, tooCostly } from '../search/collect-page.ts';
import type { SearchRow } from '../search/compile/select-page.ts';
import { type PagePlace, sortOrder } from '../search/compile/sort.ts';
import { meetsCriteria, type UnstoredResource } from '../search/meets-criteria.ts';
import { pageLinks } from '../search/page-links.ts';
import { runSearch, type SearchAccess, type SearchPage } from '../search/run-search.ts';
import type { SearchQuery } from '../search/search-query.ts';
import { collectSorted } from '../search/sort-opened.ts';
import { valueText } from '../search/token-text.ts';

/** More stored definitions are not put in one order with the server's own. */
export const storedMax = 5_000;

export interface DefinitionSearch {
  readonly query: SearchQuery;
  readonly access: SearchAccess;
  readonly unstored: readonly UnstoredResource[];
}

/** The server's own have version 0 and no content. All matches are put in order here, for half of them have no rows. */
export async function searchDefinitions(search: DefinitionSearch, place?: PagePlace): Promise<SearchPage> {
  const { query, access, unstored } = search;
  const found = unstored.filter(meetsCriteria(query.criteria));
  const [stored, hidden] = await both(storedMatches(search), overridden(found, search));
  const shown = found.filter(({ resource }) => !hidden.has(urlOf(resource)));
  const total = stored.length + shown.length;
  if (query.summary === 'count') return { matches: [], includes: [], total };
  const resources = new Map(shown.map((one) => [one.id, one.resource]));
  const sorted = {
    order: sortOrder(query.sort),
    open: (row: SearchRow) => (isUnstored(row) ? Promise.resolve(resources.get(row.id) as Resource) : access.open(row)),
    collect: () =>
      Promise.resolve({ matches: [...stored, ...shown.map((one) => rowOf(one))], hasMore: false, positionOf }),
  };
  const page = await collectSorted(sorted, query.count, place);
  const matches = place?.isBackward ? page.matches.toReversed() : page.matches;
  const { includes, readableTypes, send, visible } = { ...query, ...access };
  const included = await collectIncludes({ includes, readableTypes, matches, first: undefined, send, visible });
  return {
    matches,
    includes: included.rows,
    ...pageLinks({ place, hasMore: page.hasMore, positions: matches.map(page.positionOf) }),
    ...(query.total !== 'none' && { total }),
    ...(included.warnings.length > 0 && { warnings: included.warnings }),
  };
}

/** True for one of the server's own, which is not opened but known. */
export function isUnstored({ version_id }: Pick<SearchRow, 'version_id'>): boolean {
  return version_id === 0;
}

function rowOf({ id, lastUpdated, resource }: UnstoredResource): SearchRow {
  return {
    ...{ overflow: false, matched: null, mode: 'match', type: resource.resourceType, id, version_id: 0 },
    ...{ last_updated: lastUpdated, deleted: false, content: null, object_id: null },
  };
}

async function storedMatches({ query, access }: DefinitionSearch): Promise<readonly SearchRow[]> {
  const byId = [{ by: 'id', isDescending: false }] as const;
  const all = { ...query, sort: byId, includes: [], count: storedMax, total: 'none', summary: 'false' } as const;
  const { matches, next } = await runSearch(all, access);
  if (!next) return matches;
  throw tooCostly(`More than ${storedMax} definitions of this type are stored; add a narrower parameter.`);
}

/** The urls for which the tenant has stored a definition: that one wins, whether or not it is a match too. */
async function overridden(
  found: readonly UnstoredResource[],
  { query, access }: DefinitionSearch,
): Promise<Set<string>> {
  if (found.length === 0) return new Set();
  const tokens = found.map(({ resource }) => access.tokenOf(valueText(`${query.type}.url`, urlOf(resource))));
  const rows = await access.send<SearchRow>({
    name: 'overridden-definitions',
    text: `SELECT r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id FROM (
             SELECT r.* FROM resource r WHERE r.tokens && $1::bigint[] AND r.tokens && $1::bigint[] OFFSET 0) r
           WHERE r.type = $2 AND NOT r.deleted LIMIT ${storedMax}`,
    values: [`{${tokens.join(',')}}`, query.type],
  });
  const resources = await Promise.all(rows.map(access.open));
  return new Set(resources.map(urlOf));
}

function urlOf(resource: Resource): string {
  return (resource as { readonly url?: string }).url ?? '';
}

/** Nothing may be under way any more when the transaction ends. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}
