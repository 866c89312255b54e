// Search of one type: https://hl7.org/fhir/R4/http.html#search

import type { Resource } from '@medplum/fhirtypes';
import { may, requirePermission } from '../access/may.ts';
import { openCursor, sealCursor } from '../search/cursor.ts';
import type { Handling } from '../search/parse/search-notes.ts';
import { parseSearch } from '../search/parse.ts';
import { createProjection } from '../search/project.ts';
import { type ResultEntry, searchsetText } from '../search/result.ts';
import { runSearch, type SearchPage } from '../search/run-search.ts';
import type { SearchQuery } from '../search/search-query.ts';
import type { Session } from './session.ts';
import { openVersion, parseBody, type VersionRow } from './stored-version.ts';

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
  const binding = {
    key: session.repository.cursorKey,
    tenantId: session.caller.tenantId,
    caller: session.caller.clientId,
    query,
  };
  const after = query.cursor === undefined ? undefined : openCursor(query.cursor, binding);
  const page = await runQuery(session, query, after);
  return searchsetText({
    query,
    baseUrl,
    entries: await openEntries(session, query, page),
    total: page.total,
    nextCursor: page.next && sealCursor(page.next, binding),
  });
}

function runQuery(session: Session, query: SearchQuery, after?: Parameters<typeof runSearch>[2]): Promise<SearchPage> {
  return runSearch(
    query,
    {
      send: (statement) => session.trx.query(statement),
      tokenOf: session.cipher.tokenOf,
      open: (row) => openResource(session, row),
    },
    after,
  );
}

async function openResource(session: Session, row: VersionRow): Promise<Resource> {
  const version = await openVersion({ cipher: session.cipher, objectStore: session.repository.objectStore }, row);
  const resource = parseBody(version);
  if (!resource) throw new Error('A search found a deleted resource.');
  return resource;
}

/** What is included needs a right of its own: without it the entry is absent (security.md 7). */
async function openEntries(session: Session, query: SearchQuery, page: SearchPage): Promise<ResultEntry[]> {
  const includes = page.includes.filter((row) => may(session.caller, 'r', row.type));
  const project = createProjection(session.repository.definitions, query);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  return await Promise.all(
    [...page.matches, ...includes].map(async (row) => {
      const { body } = await openVersion(reader, row);
      if (!body) throw new Error('A search found a deleted resource.');
      const json = body.toString();
      return { mode: row.mode ?? 'match', type: row.type, id: row.id, json: project ? project(json) : json };
    }),
  );
}
