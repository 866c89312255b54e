// Search across types: https://hl7.org/fhir/R4/http.html#search

import { may } from '../access/may.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Handling } from '../search/parse/search-notes.ts';
import { parseSystemSearch, type SystemQuery } from '../search/system-query.ts';
import { runSystemSearch } from '../search/system-search.ts';
import { answerSearch, mayCountBinaries, searchAccess } from './answer-search.ts';
import { resolveCodes } from './resolve-codes.ts';
import { restrict } from './row-access.ts';
import type { Session } from './session.ts';

export interface SystemSearchRequest {
  /** Decoded names and values of the URL and the form. */
  readonly pairs: Iterable<readonly [name: string, value: string]>;
  readonly handling: Handling;
  readonly baseUrl: string;
}

/** The searchset Bundle as UTF-8 JSON. */
export async function searchSystem(session: Session, request: SystemSearchRequest): Promise<Buffer> {
  const { pairs, handling, baseUrl } = request;
  const options = { handling, baseUrl, now: session.at.getTime() };
  const query = permitted(session, parseSystemSearch(session.definitions, pairs, options));
  const access = searchAccess(session);
  return await answerSearch(session, query, baseUrl, (place) =>
    runSystemSearch(query, access, (one) => resolveCodes(session, one), place),
  );
}

/** Types outside the caller's scopes are absent (security.md 7); throws 403 when none is inside. */
function permitted(session: Session, query: SystemQuery): SystemQuery {
  const { caller } = session;
  const types = query.types.filter((type) => may(caller, 's', type));
  if (types.length === 0 && query.types.length > 0) {
    throw fhirError('forbidden', 'The access token does not allow to search any of the types that are asked for.');
  }
  // How many Binaries there are tells of those whose securityContext is out of the caller's reach: security.md 110.
  const hidesTotal = types.includes('Binary') && !mayCountBinaries(session);
  if (hidesTotal && query.summary === 'count') {
    throw fhirError('forbidden', 'The access token does not allow to count Binaries.');
  }
  const ofType = (type: string) => restrict(session, query.ofType(type));
  return { ...query, types, ofType, ...(hidesTotal && { total: 'none' as const }) };
}
