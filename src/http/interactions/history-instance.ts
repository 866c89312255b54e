// GET [base]/[type]/[id]/_history: https://hl7.org/fhir/R4/http.html#history

import { fhirError } from '../../fhir/outcome.ts';
import { historyInstance } from '../../repository/history-instance.ts';
import type { Session } from '../../repository/session.ts';
import type { StoredVersion } from '../../repository/stored-version.ts';
import { etag, type InteractionRequest, type InteractionResponse } from '../interaction.ts';

const pageSizeDefault = 50;
const pageSizeMax = 1_000;

export async function historyInstanceInteraction(
  session: Session,
  request: InteractionRequest,
): Promise<InteractionResponse> {
  const pageSize = pageSizeOf(request.query);
  const below = belowOf(request.query);
  const page = await historyInstance(session, request.type, request.id, {
    pageSize,
    ...(below === undefined ? {} : { belowVersionId: below }),
  });
  const self = `${request.baseUrl}/${request.type}/${request.id}/_history`;
  const link = [
    { relation: 'self', url: `${self}?_count=${pageSize}${below === undefined ? '' : `&_below=${below}`}` },
  ];
  if (page.nextBelowVersionId !== undefined) {
    link.push({ relation: 'next', url: `${self}?_count=${pageSize}&_below=${page.nextBelowVersionId}` });
  }
  const head = JSON.stringify({ resourceType: 'Bundle', type: 'history', total: page.total, link });
  const entries = page.versions.map((version) => entryOf(request, version));
  return { status: 200, headers: {}, body: `${head.slice(0, -1)},"entry":[${entries.join(',')}]}` };
}

/** Stored bodies are joined as they are, so that no number's text changes. */
function entryOf(request: InteractionRequest, version: StoredVersion): string {
  const { type, id, versionId, body, lastUpdated } = version;
  const { method, status } = interactionOf(version);
  const entry = JSON.stringify({
    fullUrl: `${request.baseUrl}/${type}/${id}`,
    request: { method, url: method === 'POST' ? type : `${type}/${id}` },
    response: { status, etag: etag(versionId), lastModified: lastUpdated.toISOString() },
  });
  return body === undefined ? entry : `${entry.slice(0, -1)},"resource":${body.toString()}}`;
}

/** What made the version, as far as the version itself tells. */
function interactionOf(version: StoredVersion) {
  if (version.body === undefined) return { method: 'DELETE', status: '204' };
  return version.versionId === 1 ? { method: 'POST', status: '201' } : { method: 'PUT', status: '200' };
}

function pageSizeOf(query: URLSearchParams): number {
  const text = query.get('_count');
  if (text === null) return pageSizeDefault;
  const count = Number(text);
  if (!/^\d{1,10}$/.test(text) || count < 1) throw fhirError('value', '_count is a number from 1.', { status: 400 });
  return Math.min(count, pageSizeMax);
}

function belowOf(query: URLSearchParams): number | undefined {
  const text = query.get('_below');
  if (text === null) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw fhirError('value', 'This page link was changed; start again at the first page.', { status: 400 });
  return Number(text);
}
