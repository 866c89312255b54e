// Search of one type: https://hl7.org/fhir/R4/http.html#search

import { requirePermission } from '../access/may.ts';
import type { Handling } from '../search/parse/search-notes.ts';
import { parseSearch } from '../search/parse.ts';
import { permitLinks } from '../search/permitted-links.ts';
import { answerSearch } from './answer-search.ts';
import type { Session } from './session.ts';

export interface SearchRequest {
  readonly type: string;
  /** Decoded names and values of the URL and the form. */
  readonly pairs: Iterable<readonly [name: string, value: string]>;
  readonly handling: Handling;
  readonly baseUrl: string;
}

/** The searchset Bundle as JSON text. */
export async function searchType(session: Session, request: SearchRequest): Promise<string> {
  requirePermission(session.caller, 's', request.type);
  const { type, pairs, handling, baseUrl } = request;
  const query = parseSearch(session.repository.definitions, type, pairs, {
    handling,
    baseUrl,
    now: session.at.getTime(),
  });
  return await answerSearch(session, permitLinks(query, session.caller), baseUrl);
}
