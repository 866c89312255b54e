// From an understood search to its searchset Bundle: https://hl7.org/fhir/R4/bundle.html#searchset

import type { Resource } from '@medplum/fhirtypes';
import { ownerOf } from '../access/caller.ts';
import { may } from '../access/may.ts';
import type { SearchRow } from '../search/compile/select-page.ts';
import type { PagePlace } from '../search/compile/sort.ts';
import { askedClasses, type KeyedClasses } from '../search/count-classes.ts';
import { type CursorBinding, openCursor, sealCursor } from '../search/cursor.ts';
import { createProjection } from '../search/project.ts';
import { type ResultEntry, type SearchResult, searchset } from '../search/result.ts';
import { runSearch, type SearchAccess, type SearchPage } from '../search/run-search.ts';
import type { SearchQuery } from '../search/search-query.ts';
import { mayReadContext } from './binary-access.ts';
import { redactChanges } from './redact-changes.ts';
import { resolveCodes } from './resolve-codes.ts';
import { isUnstored } from './search-definitions.ts';
import type { Session } from './session.ts';
import { showComputed } from './show-computed.ts';
import { openVersions, openWithoutData, parseBody, type StoredVersion } from './stored-version.ts';
import { archivedWarnings } from './tell-archived.ts';
import { visibleRows } from './visible.ts';

type RunPage = (place: PagePlace | undefined) => Promise<SearchPage>;

/** UTF-8 JSON. The rights to what the search is about are the caller's matter; `run` finds the page unless it is a search of one type. */
export async function answerSearch(
  session: Session,
  query: SearchQuery,
  baseUrl: string,
  run: RunPage = (place) => runQuery(session, query, place),
): Promise<Buffer> {
  const { cursorKey: key } = session.repository;
  const { caller, cipher } = session;
  const binding = { key, tenantId: caller.tenantId, caller: ownerOf(caller), query, cipher };
  const page = await run(query.cursor === undefined ? undefined : openCursor(query.cursor, binding));
  return searchset({
    query,
    baseUrl,
    entries: await openEntries(session, query, page),
    // How many Binaries there are tells of those whose securityContext is out of the caller's reach: security.md 110.
    total: query.type !== 'Binary' || mayCountBinaries(session) ? page.total : undefined,
    isEstimate: page.isEstimate ?? false,
    pages: otherPages(page, binding),
    warnings: [...(page.warnings ?? []), ...(await archivedWarnings(session, query))],
  });
}

/** https://hl7.org/fhir/R4/http.html#paging */
function otherPages({ next, previous, last }: SearchPage, binding: CursorBinding): SearchResult['pages'] {
  const places = Object.entries({ previous, next, last }).flatMap(([relation, place]) =>
    place ? [{ relation, cursor: sealCursor(place, binding) }] : [],
  );
  return places.length === 0 ? [] : [{ relation: 'first' }, ...places];
}

async function runQuery(session: Session, query: SearchQuery, place: PagePlace | undefined): Promise<SearchPage> {
  const access = searchAccess(session);
  return await runSearch(await resolveCodes(session, query), access, place);
}

/** What a search may do in the session. */
export function searchAccess(session: Session): SearchAccess {
  return {
    send: (statement) => session.trx.query(statement),
    ...keyedAccess(session),
    open: (row) => openResource(session, row),
    readableTypes: readableTypes(session),
    visible: visibleRows(session),
  };
}

/** What the index of the session's tenant is asked by. */
export function keyedAccess({
  definitions,
  cipher,
}: Pick<Session, 'definitions'> & { cipher: Pick<Session['cipher'], 'tokenOf'> }) {
  return {
    tokenOf: cipher.tokenOf,
    classesOf: ({ type, criteria }: SearchQuery): KeyedClasses | undefined => {
      const classes = askedClasses(definitions, type, criteria);
      return classes && { asked: classes.asked.map(cipher.tokenOf), others: classes.others.map(cipher.tokenOf) };
    },
  };
}

/** What is included needs a right of its own, and is neither followed nor counted without it (security.md 7). */
function readableTypes({ caller, repository }: Session): readonly string[] | undefined {
  if (may(caller, 'r', '*')) return undefined;
  return [...repository.definitions.resourceTypes].filter((type) => may(caller, 'r', type));
}

async function openResource(session: Session, row: SearchRow): Promise<Resource> {
  const version = await openWithoutData({ cipher: session.cipher, objectStore: session.repository.objectStore }, row);
  const resource = parseBody(version);
  if (!resource) throw new Error('A search found a deleted resource.');
  return resource;
}

/** True for whoever may read every resource that a securityContext can name. */
export function mayCountBinaries(session: Session): boolean {
  return may(session.caller, 'r', '*') && !session.denials;
}

/** What is included needs a right of its own: without it the entry is absent (security.md 7). */
async function openEntries(session: Session, query: SearchQuery, page: SearchPage): Promise<ResultEntry[]> {
  const includes = page.includes.filter((row) => may(session.caller, 'r', row.type));
  const project = projections(session, query);
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const rows = [...page.matches, ...includes];
  const stored = (
    await openVersions(
      reader,
      rows.filter((row) => !isUnstored(row)),
    )
  ).values();
  const computed = await showComputed(
    session,
    rows.map((row) => (isUnstored(row) ? builtIn(session, row) : (stored.next().value as StoredVersion))),
  );
  const versions = await redactChanges(session, computed);
  const entries: ResultEntry[] = [];
  for (const [index, version] of versions.entries()) {
    const { body, type, id, versionId, securityContext } = version;
    if (!body) throw new Error('A search found a deleted resource.');
    const mode = rows[index]?.mode ?? 'match';
    // Rows that are out of reach were neither found nor included.
    if (securityContext !== undefined && !(await mayReadContext(session, securityContext))) continue;
    session.notes?.show({ type, id, versionId, body });
    const shrink = project[mode];
    entries.push({ mode, type, id, json: shrink ? Buffer.from(shrink(body.toString())) : body });
  }
  return entries;
}

/** "The list of elements does not apply to included resources": https://hl7.org/fhir/R4/search.html#elements */
function projections({ repository: { definitions } }: Session, query: SearchQuery) {
  return {
    match: createProjection(definitions, query),
    include: createProjection(definitions, { ...query, elements: [] }),
  };
}

function builtIn({ repository }: Session, { type, id, last_updated: lastUpdated }: SearchRow): StoredVersion {
  return { type, id, versionId: 0, lastUpdated, body: Buffer.from(repository.builtIns?.find(type, id) ?? '') };
}
