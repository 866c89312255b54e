// The search that a call of `$explain` is about: of a type, of all types, or in a compartment.

import { requirePermission } from '../../access/may.ts';
import { keyedAccess, searchAccess } from '../../repository/answer-search.ts';
import { resolveCodes } from '../../repository/resolve-codes.ts';
import { searchDefinitions } from '../../repository/search-definitions.ts';
import type { Session } from '../../repository/session.ts';
import { unstoredDefinitions } from '../../repository/unstored-definitions.ts';
import { inCompartment, requireMemberType } from '../../search/compartment.ts';
import { allTypes, parseCompartmentSearch } from '../../search/compartment-query.ts';
import { runCompartmentSearch } from '../../search/compartment-search.ts';
import { parseSearch } from '../../search/parse.ts';
import { runSearch, type SearchAccess } from '../../search/run-search.ts';
import type { SearchQuery } from '../../search/search-query.ts';
import { parseSystemSearch } from '../../search/system-query.ts';
import { runSystemSearch } from '../../search/system-search.ts';
import { sampleTokens } from '../../search/token-sample.ts';
import type { OperationCall } from '../operation.ts';

export type Pairs = readonly (readonly [name: string, value: string])[];

/** One kind of search: how it reads its parameters, and how it runs. */
export interface ExplainedSearch {
  /** Throws a FhirError for what would be refused. What is left out is among the warnings of the query. */
  readonly parse: (pairs: Pairs) => SearchQuery;
  /** Makes the query ready as the search itself would. */
  readonly prepare: (query: SearchQuery) => Promise<SearchQuery>;
  /** The type of the rows that the first page would have. */
  readonly rowType: (query: SearchQuery) => string;
  readonly run: (query: SearchQuery, access: SearchAccess) => Promise<unknown>;
  /** Of the caller's tenant; what is known of how common a token is goes by it. */
  readonly keyed: KeyedAccess;
}

export type KeyedAccess = Pick<SearchAccess, 'tokenOf' | 'classesOf'>;

/** Throws 404 where there is no such search. */
export function explainedSearch(session: Session, call: OperationCall): ExplainedSearch {
  const { type, id } = call;
  if (type === '') return ofAllTypes(session, call);
  if (id === '') return ofType(session, call, type);
  const { definitions } = session;
  const memberType = (call.inputs.get('type')?.[0]?.value as string | undefined) ?? allTypes;
  requireMemberType(definitions, type, memberType === allTypes ? type : memberType);
  return memberType === allTypes ? ofCompartment(session, call) : ofMembers(session, call, memberType);
}

function optionsOf({ at }: Session, { baseUrl }: OperationCall) {
  return { handling: 'lenient', baseUrl, now: at.getTime() } as const;
}

function ofType(session: Session, call: OperationCall, type: string): ExplainedSearch {
  return {
    parse: (pairs) => parseSearch(session.definitions, type, pairs, optionsOf(session, call)),
    prepare: (query) => ready(session, query),
    rowType: () => type,
    run: (query, access) => runType(session, query, access),
    keyed: keyedAccess(session),
  };
}

/** Of definitions the server itself has some. */
async function runType(session: Session, query: SearchQuery, access: SearchAccess): Promise<unknown> {
  const unstored = await unstoredDefinitions(session.repository.builtIns, session.definitions, query.type);
  return unstored ? searchDefinitions({ query, access, unstored }) : runSearch(query, access);
}

function ofMembers(session: Session, call: OperationCall, type: string): ExplainedSearch {
  requirePermission(session.caller, 's', type);
  const { definitions } = session;
  const compartment = { type: call.type, id: call.id };
  const search = ofType(session, call, type);
  return { ...search, parse: (pairs) => inCompartment(definitions, search.parse(pairs), compartment) };
}

function ofCompartment(session: Session, call: OperationCall): ExplainedSearch {
  const { definitions } = session;
  const compartment = { type: call.type, id: call.id };
  const parse = (pairs: Pairs) => parseCompartmentSearch(definitions, compartment, pairs, optionsOf(session, call));
  return {
    parse,
    prepare: (query) => Promise.resolve(query),
    rowType: () => call.type,
    run: (query, { send }) => runCompartmentSearch(query as ReturnType<typeof parse>, send),
    keyed: keyedAccess(session),
  };
}

/** Such a search is that of one type after the other, with the same statements for each; they are explained for the first. */
function ofAllTypes(session: Session, call: OperationCall): ExplainedSearch {
  const { definitions } = session;
  const parse = (pairs: Pairs) => {
    const query = parseSystemSearch(definitions, pairs, optionsOf(session, call));
    return { ...query, types: query.types.slice(0, 1) };
  };
  return {
    parse,
    prepare: (query) => Promise.resolve(query),
    rowType: (query) => (query as ReturnType<typeof parse>).types[0] ?? '',
    run: (query, access) => runSystemSearch(query as ReturnType<typeof parse>, access, (one) => ready(session, one)),
    keyed: keyedAccess(session),
  };
}

/**
 * Looks up what the search would ahead of its statements: value sets, and how common the codes are, which chooses the index it
 * starts from. Both are the caller's own tenant's.
 */
async function ready(session: Session, asked: SearchQuery): Promise<SearchQuery> {
  const access = searchAccess(session);
  const query = await resolveCodes(session, asked);
  await sampleTokens(query, access);
  return query;
}
