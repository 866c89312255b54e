// Finds what meets each of many criteria, in as few statements and round trips as can be.

import { FhirError, fhirError } from '../fhir/outcome.ts';
import { decidingTexts, matchTokens, type TokenLookup } from '../search/match-tokens.ts';
import { runSearch } from '../search/run-search.ts';
import type { SearchQuery } from '../search/search-query.ts';
import type { Session } from './session.ts';
import { openVersion, parseBody, type VersionRow } from './stored-version.ts';

export interface Condition {
  readonly query: SearchQuery;
  /** The same before it was narrowed to what the caller may find. */
  readonly asked?: SearchQuery;
  /** More matches are not looked for. */
  readonly matchesMax: number;
  readonly needsBody: boolean;
  /** Says of an error that it is about this one. */
  readonly locate?: (error: FhirError) => FhirError;
}

/** Searches with a statement of their own, each of which is planned and may read thousands of rows. */
const searchesMax = 500;

/** The matches of each condition, in the order of the conditions; without a body where none is needed and none was read. */
export async function findMatches(session: Session, conditions: readonly Condition[]): Promise<VersionRow[][]> {
  const lookups: TokenLookup[] = [];
  const searches: number[] = [];
  for (const [position, { query, matchesMax, needsBody }] of conditions.entries()) {
    const texts = decidingTexts(query);
    if (texts) lookups.push({ position, type: query.type, texts, matchesMax, needsBody });
    else searches.push(position);
  }
  if (searches.length > searchesMax) {
    const wanted = 'name them by tokens alone, such as identifier=system|value';
    const error = fhirError('too-costly', `More than ${searchesMax} criteria need a search of their own; ${wanted}.`);
    throw located(error, conditions[searches[searchesMax] as number]);
  }
  const matches: VersionRow[][] = conditions.map(() => []);
  const looked = lookups.length === 0 ? [] : lookUp(session, lookups, matches);
  const searched = searches.map(async (position) => {
    matches[position] = await search(session, conditions[position] as Condition);
  });
  // All are sent before the first is awaited, so that they travel in one message.
  await Promise.all([looked, ...searched]);
  return matches;
}

async function lookUp(session: Session, lookups: readonly TokenLookup[], matches: VersionRow[][]): Promise<void> {
  const statement = matchTokens(lookups, session.cipher.tokenOf);
  const rows = await session.trx.query<VersionRow & { position: number }>(statement);
  for (const row of rows) matches[row.position]?.push(row);
}

async function search(session: Session, condition: Condition): Promise<VersionRow[]> {
  const { query, matchesMax } = condition;
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  try {
    const { matches } = await runSearch(
      { ...query, count: matchesMax, total: 'none' },
      {
        send: (statement) => session.trx.query(statement),
        tokenOf: session.cipher.tokenOf,
        async open(row) {
          const resource = parseBody(await openVersion(reader, row));
          if (!resource) throw new Error('A search found a deleted resource.');
          return resource;
        },
      },
    );
    return [...matches];
  } catch (error) {
    throw located(error, condition);
  }
}

function located(error: unknown, condition: Condition | undefined): unknown {
  return error instanceof FhirError ? (condition?.locate?.(error) ?? error) : error;
}
