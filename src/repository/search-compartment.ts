// Search inside a compartment, of one type or of everything: https://hl7.org/fhir/R4/http.html#vsearch

import { may, requirePermission } from '../access/may.ts';
import { isId } from '../fhir/ids.ts';
import { fhirError, gone, notFound } from '../fhir/outcome.ts';
import { inCompartment, requireMemberType } from '../search/compartment.ts';
import { allTypes, type CompartmentQuery, parseCompartmentSearch } from '../search/compartment-query.ts';
import { runCompartmentSearch } from '../search/compartment-search.ts';
import type { Handling } from '../search/parse/search-notes.ts';
import { type ParseOptions, parseSearch } from '../search/parse.ts';
import type { CompartmentName, SearchQuery } from '../search/search-query.ts';
import type { SystemQuery } from '../search/system-query.ts';
import { runSystemSearch } from '../search/system-search.ts';
import { answerSearch, searchAccess } from './answer-search.ts';
import { resolveCodes } from './resolve-codes.ts';
import { restrict, rowsOf } from './row-access.ts';
import type { Session } from './session.ts';

export interface CompartmentSearchRequest {
  readonly compartment: CompartmentName;
  /** A resource type, or `*`. */
  readonly memberType: string;
  /** Decoded names and values of the URL and the form. */
  readonly pairs: Iterable<readonly [name: string, value: string]>;
  readonly handling: Handling;
  readonly baseUrl: string;
}

/** The searchset Bundle as UTF-8 JSON; 404 for a type that is not in the compartment and for an unknown compartment. */
export async function searchCompartment(session: Session, request: CompartmentSearchRequest): Promise<Buffer> {
  const { compartment, memberType } = request;
  const { definitions } = session.repository;
  requireMemberType(definitions, compartment.type, memberType === allTypes ? compartment.type : memberType);
  if (memberType !== allTypes) requirePermission(session.caller, 's', memberType);
  if (!isId(compartment.id)) throw notFound(compartment.type, compartment.id);
  const search = memberType === allTypes ? searchOfAll(session, request) : searchOfType(session, request);
  // Both travel in one message, and nothing may be under way any more when the transaction ends.
  const [existence, answer] = await Promise.allSettled([requireCompartment(session, compartment), search()]);
  if (existence.status === 'rejected') throw existence.reason;
  if (answer.status === 'rejected') throw answer.reason;
  return answer.value;
}

/** Whatever can be refused without a statement is refused before the search is run. */
type Search = () => Promise<Buffer>;

function searchOfType(session: Session, request: CompartmentSearchRequest): Search {
  const { definitions } = session;
  const { compartment, memberType, pairs, baseUrl } = request;
  const asked = parseSearch(definitions, memberType, pairs, parseOptions(session, request));
  const query = inCompartment(definitions, restrict(session, asked), compartment);
  return () => answerSearch(session, query, baseUrl);
}

function searchOfAll(session: Session, request: CompartmentSearchRequest): Search {
  const { compartment, pairs, baseUrl } = request;
  const options = parseOptions(session, request);
  const asked = parseCompartmentSearch(session.definitions, compartment, pairs, options);
  const query = permitted(session, asked);
  if (query.members.some(({ type }) => rowsOf(session, 's', type))) return () => searchMembers(session, request, query);
  return () =>
    answerSearch(session, query, baseUrl, (place) =>
      runCompartmentSearch(query, (statement) => session.trx.query(statement), place),
    );
}

/** Type by type, for the references that lead to the compartment do not tell which rows the caller may find. */
async function searchMembers(
  session: Session,
  { compartment, baseUrl }: CompartmentSearchRequest,
  query: CompartmentQuery,
): Promise<Buffer> {
  const { definitions } = session;
  const ofType = (type: string): SearchQuery => {
    const all: SearchQuery = {
      ...query,
      type,
      sort: [{ by: 'id', isDescending: false }],
      total: 'none',
      summary: 'false',
    };
    return restrict(session, inCompartment(definitions, all, compartment));
  };
  const system: SystemQuery = { ...query, types: query.members.map(({ type }) => type), ofType };
  const access = searchAccess(session);
  return await answerSearch(session, query, baseUrl, (place) =>
    runSystemSearch(system, access, (one) => resolveCodes(session, one), place),
  );
}

/** Types outside the caller's scopes are absent (security.md 7); throws 403 when none is inside. */
function permitted({ caller }: Session, query: CompartmentQuery): CompartmentQuery {
  const members = query.members.filter(({ type }) => may(caller, 's', type));
  if (members.length > 0) return { ...query, members };
  throw fhirError('forbidden', 'The access token does not allow to search any of the types that are asked for.');
}

function parseOptions(session: Session, { handling, baseUrl }: CompartmentSearchRequest): ParseOptions {
  return { handling, baseUrl, now: session.at.getTime() };
}

/** Who may not read the resource, or not every one of its type, is not told either whether there is one: the search then finds nothing. */
async function requireCompartment(session: Session, { type, id }: CompartmentName): Promise<void> {
  const { trx, caller } = session;
  if (!may(caller, 'r', type) || rowsOf(session, 'r', type)) return;
  const [row] = await trx.query<{ deleted: boolean }>({
    name: 'compartment-resource',
    text: 'SELECT deleted FROM resource WHERE type = $1 AND id = $2',
    values: [type, id],
  });
  if (!row) throw notFound(type, id);
  if (row.deleted) throw gone(type, id);
}
