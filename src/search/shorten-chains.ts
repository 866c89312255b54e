// Finds, ahead of a search, the few resources that the last link of a longer chain leads to: the link before it is then a lookup of
// references, by which the linked resources are found slice by slice: https://hl7.org/fhir/R4/search.html#chaining

import type { SendStatement } from './collect-page.ts';
import type { SearchRow } from './compile/select-page.ts';
import { compileSearch } from './compile-search.ts';
import type { Criterion, Linked, SearchQuery } from './search-query.ts';

export interface ShortenAccess {
  readonly send: SendStatement;
  readonly tokenOf: (text: string) => bigint;
}

type Chain = Criterion & { kind: 'chain' };

/** More are followed by the search itself. */
const foundMax = 20;

/** The same search with references in the place of links that lead to what is named by its identifier or id. */
export async function shortenChains(query: SearchQuery, access: ShortenAccess): Promise<SearchQuery> {
  const lasts = query.criteria.flatMap(lastLinks);
  if (lasts.length === 0) return query;
  // All are sent before the first is awaited, so that they travel in one message, and none is under way when one fails.
  const found = await Promise.allSettled(lasts.map((chain) => referencesOf(chain, query, access)));
  const known = new Map<Criterion, readonly string[]>();
  for (const [index, result] of found.entries()) {
    if (result.status === 'rejected') throw result.reason;
    const chain = lasts[index];
    if (chain && result.value) known.set(chain, result.value);
  }
  return { ...query, criteria: query.criteria.map((criterion) => shortened(criterion, known)) };
}

function linkedBy(criterion: Criterion): readonly Linked[] {
  if (criterion.kind === 'chain') return criterion.targets;
  return criterion.kind === 'has' ? [criterion.source] : [];
}

/** Behind another link, for a single one is a join that costs no message of its own. */
function lastLinks(criterion: Criterion): Chain[] {
  return linkedBy(criterion).flatMap(({ criterion: inner }) => (isLast(inner) ? [inner] : lastLinks(inner)));
}

function isLast(criterion: Criterion): criterion is Chain {
  return criterion.kind === 'chain' && criterion.targets.every((target) => namesFew(target.criterion));
}

function namesFew(criterion: Criterion): boolean {
  if (criterion.kind === 'id') return true;
  return (
    criterion.kind === 'token' &&
    criterion.key.endsWith('.identifier') &&
    criterion.values.every(({ code }) => code !== undefined)
  );
}

/** Undefined where they are too many. */
async function referencesOf(
  { targets }: Chain,
  query: SearchQuery,
  { send, tokenOf }: ShortenAccess,
): Promise<string[] | undefined> {
  const found = await Promise.allSettled(
    targets.map(({ type, criterion }) => {
      const inner: SearchQuery = { ...query, type, criteria: [criterion], sort: byId, includes: [], count: foundMax };
      return send<SearchRow>(compileSearch(inner, { tokenOf }).statement);
    }),
  );
  const references: string[] = [];
  for (const result of found) {
    if (result.status === 'rejected') throw result.reason;
    if (result.value[0]?.overflow) return undefined;
    references.push(...result.value.flatMap(({ mode, type, id }) => (mode === 'match' ? [`${type}/${id}`] : [])));
  }
  return references.length > foundMax ? undefined : references;
}

const byId: SearchQuery['sort'] = [{ by: 'id', isDescending: false }];

function shortened(criterion: Criterion, known: ReadonlyMap<Criterion, readonly string[]>): Criterion {
  const through = ({ type, criterion: inner }: Linked): Linked => {
    const texts = known.get(inner);
    if (!texts || inner.kind !== 'chain') return { type, criterion: shortened(inner, known) };
    return { type, criterion: { kind: 'value', key: `${type}.${inner.parameter}`, texts } };
  };
  if (criterion.kind === 'chain') return { ...criterion, targets: criterion.targets.map(through) };
  return criterion.kind === 'has' ? { ...criterion, source: through(criterion.source) } : criterion;
}
