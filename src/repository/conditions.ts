// The criteria of conditional interactions, read strictly and locked: https://hl7.org/fhir/R4/http.html#ccreate

import { fhirError } from '../fhir/outcome.ts';
import { isResultParameter } from '../search/parse/result-parameters.ts';
import { parseSearch } from '../search/parse.ts';
import { queryIdentity } from '../search/query-identity.ts';
import type { SearchQuery } from '../search/search-query.ts';
import type { Criteria } from './change.ts';
import type { Session } from './session.ts';

const queryLengthMax = 20_000;

/**
 * What was asked for, before it is narrowed to what the caller may find (`restrict`), so that all who ask the same wait for
 * each other. Throws 400 for what cannot be understood and 412 for criteria that choose nothing: a parameter that is left out would
 * make the rest mean other resources.
 */
export function parseCriteria(session: Session, type: string, { query: text, baseUrl }: Criteria): SearchQuery {
  if (text.length > queryLengthMax)
    throw fhirError('too-costly', `Criteria take at most ${queryLengthMax} characters.`);
  const pairs = [...new URLSearchParams(queryPart(type, text, baseUrl))];
  const shaping = pairs.find(([name]) => isResultParameter(name));
  if (shaping) throw fhirError('invalid', `${shaping[0]} shapes an answer and chooses no resource; leave it out.`);
  const query = parseSearch(session.definitions, type, pairs, {
    handling: 'strict',
    now: session.at.getTime(),
    ...(baseUrl !== undefined && { baseUrl }),
  });
  if (query.criteria.length > 0) return query;
  throw fhirError('invalid', `Say by search parameters which ${type} is meant; without any it would be every one.`, {
    status: 412,
  });
}

/** Some clients send the whole URL of the search, or its end from the type on. */
function queryPart(type: string, text: string, baseUrl: string | undefined): string {
  const question = text.indexOf('?');
  const before = text.slice(0, Math.max(question, 0));
  if (question < 0 || before.includes('=')) return text;
  if (before === '' || before === type || before === `${baseUrl}/${type}`) return text.slice(question + 1);
  throw fhirError('invalid', `The criteria are not those of a search for ${type} on this server.`);
}

/** Each lock takes room in the memory that all transactions share; beyond so many the whole type is locked. */
const locksMax = 100;

/**
 * Until the transaction ends nobody else acts on the same criteria, nor on any of a type where these are very many. Sent
 * ahead of a search, that search sees what the one before has committed: each statement at READ COMMITTED has its own view.
 * All locks are taken in one order, the types' first, so that nobody waits for each other.
 */
export function lockCriteria(session: Session, queries: readonly SearchQuery[]): void {
  const sharesTypes = queries.length <= locksMax;
  const types = new Set(queries.map(({ type }) => `criteria of ${type}`));
  const identities = new Set(sharesTypes ? queries.map((query) => `criteria ${queryIdentity(query)}`) : []);
  const [typeKeys, keys] = [types, identities].map((texts) =>
    [...texts].map(session.cipher.fixedTokenOf).sort(byValue),
  );
  const all = [...(typeKeys as bigint[]), ...(keys as bigint[])];
  session.trx.execute({
    name: 'lock-criteria',
    text: `SELECT CASE WHEN is_shared THEN pg_advisory_xact_lock_shared(key) ELSE pg_advisory_xact_lock(key) END
           FROM unnest($1::bigint[], $2::bool[]) AS lock (key, is_shared)`,
    values: [`{${all.join(',')}}`, all.map((_, index) => sharesTypes && index < types.size)],
  });
}

function byValue(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
