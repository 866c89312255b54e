// The history Bundle as text, around bodies that are already JSON: https://hl7.org/fhir/R4/bundle.html#history

import { timeOfId } from '../../fhir/ids.ts';
import { type Issue, toOperationOutcome } from '../../fhir/outcome.ts';
import type { HistoryPage } from '../../repository/history.ts';
import type { StoredVersion } from '../../repository/stored-version.ts';
import { etag } from '../interaction.ts';

export interface HistoryPlace {
  readonly baseUrl: string;
  /** The URL of the history. */
  readonly path: string;
  /** The parameters as the links repeat them. */
  readonly understood: readonly (readonly [name: string, value: string])[];
  /** Of this page; undefined for the first. */
  readonly cursor: string | undefined;
}

/** Stored bodies are joined as they are, so that no number's text changes. */
export function historyText(page: HistoryPage, place: HistoryPlace): string {
  const link = [{ relation: 'self', url: pageUrl(place, place.cursor) }];
  if (page.nextCursor !== undefined) link.push({ relation: 'next', url: pageUrl(place, page.nextCursor) });
  const head = JSON.stringify({
    resourceType: 'Bundle',
    ...(page.completeTo && { meta: { lastUpdated: page.completeTo.toISOString() } }),
    type: 'history',
    ...(page.total !== undefined && { total: page.total }),
    link,
  });
  // FHIR has no empty arrays: https://hl7.org/fhir/R4/json.html#xml
  if (page.versions.length === 0) return head;
  const { archived } = page;
  const last = page.versions.length - 1;
  // Every entry of a history is a version; what is to be said of those that are not here goes with the last one.
  const entries = page.versions.map((version, at) =>
    entryText(place.baseUrl, version, at === last ? archived : undefined),
  );
  return `${head.slice(0, -1)},"entry":[${entries.join(',')}]}`;
}

function entryText(baseUrl: string, version: StoredVersion, told: Issue | undefined): string {
  const { type, id, versionId, body, lastUpdated } = version;
  const { method, status } = interactionOf(version);
  const entry = JSON.stringify({
    fullUrl: `${baseUrl}/${type}/${id}`,
    request: { method, url: method === 'POST' ? type : `${type}/${id}` },
    response: {
      ...{ status, etag: etag(versionId), lastModified: lastUpdated.toISOString() },
      ...(told && { outcome: toOperationOutcome([told]) }),
    },
  });
  return body === undefined ? entry : `${entry.slice(0, -1)},"resource":${body.toString()}}`;
}

/**
 * What made the version, as far as the version tells: an id with the time of its first version is one this server gave to a
 * POST, any other was a client's. A later version may have been made by PATCH, which is a PUT of the same content.
 */
function interactionOf({ id, versionId, body, lastUpdated }: StoredVersion) {
  if (body === undefined) return { method: 'DELETE', status: '204' };
  if (versionId > 1) return { method: 'PUT', status: '200' };
  return { method: timeOfId(id) === lastUpdated.getTime() ? 'POST' : 'PUT', status: '201' };
}

function pageUrl({ path, understood }: HistoryPlace, cursor: string | undefined): string {
  const query = new URLSearchParams(understood.map(([name, value]): [string, string] => [name, value]));
  if (cursor !== undefined) query.set('_cursor', cursor);
  return query.size === 0 ? path : `${path}?${query}`;
}
