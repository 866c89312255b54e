// Search of one type: https://hl7.org/fhir/R4/http.html#search

import { requirePermission } from '../access/may.ts';
import type { Handling } from '../search/parse/search-notes.ts';
import { parseSearch } from '../search/parse.ts';
import { answerSearch, searchAccess } from './answer-search.ts';
import { resolveCodes } from './resolve-codes.ts';
import { restrict } from './row-access.ts';
import { searchDefinitions } from './search-definitions.ts';
import type { Session } from './session.ts';
import { unstoredDefinitions } from './unstored-definitions.ts';

export interface SearchRequest {
  readonly type: string;
  /** Decoded names and values of the URL and the form. */
  readonly pairs: Iterable<readonly [name: string, value: string]>;
  readonly handling: Handling;
  readonly baseUrl: string;
}

/** The searchset Bundle as UTF-8 JSON. */
export async function searchType(session: Session, request: SearchRequest): Promise<Buffer> {
  requirePermission(session.caller, 's', request.type);
  const { type, pairs, handling, baseUrl } = request;
  const query = parseSearch(session.definitions, type, pairs, {
    handling,
    baseUrl,
    now: session.at.getTime(),
  });
  const permitted = restrict(session, query);
  const unstored = await unstoredDefinitions(session.repository.builtIns, session.definitions, type);
  if (!unstored) return await answerSearch(session, permitted, baseUrl);
  const access = searchAccess(session);
  return await answerSearch(session, permitted, baseUrl, async (place) =>
    searchDefinitions({ query: await resolveCodes(session, permitted), access, unstored }, place),
  );
}
