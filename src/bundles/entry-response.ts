// The answer to one entry, as JSON text so that stored bodies go out as they are.

import { STATUS_CODES } from 'node:http';
import { type FhirError, toOperationOutcome } from '../fhir/outcome.ts';
import type { WriteResult } from '../repository/change.ts';
import type { EntryAnswer } from './entry-request.ts';

export interface ResponseOptions {
  readonly baseUrl: string;
  /** What the client wants to see of what it wrote: https://hl7.org/fhir/R4/http.html#ops */
  readonly returns: 'minimal' | 'representation' | 'OperationOutcome';
}

export function writeResponse(result: WriteResult, { baseUrl, returns }: ResponseOptions): string {
  const { type, id, versionId, lastUpdated, json, isHidden } = result;
  const response = {
    status: statusLine(statusOf(result)),
    ...(json === undefined ? {} : { location: `${baseUrl}/${type}/${id}/_history/${versionId}` }),
    ...(versionId > 0 ? { etag: `W/"${versionId}"` } : {}),
    lastModified: lastUpdated.toISOString(),
    ...((returns === 'OperationOutcome' && !isHidden) || result.deletedCount !== undefined
      ? { outcome: outcomeOf(result) }
      : {}),
  };
  const entry = JSON.stringify({ ...(json === undefined ? {} : { fullUrl: `${baseUrl}/${type}/${id}` }), response });
  const isShown = returns === 'representation' && !isHidden;
  return json === undefined || !isShown ? entry : withResource(entry, json);
}

/** A conditional create that found what it would have made answers as an update that changes nothing. */
function statusOf({ action, changed, deletedCount }: WriteResult): number {
  if (action === 'delete') return deletedCount === undefined ? 204 : 200;
  return action === 'create' && changed ? 201 : 200;
}

const words = { create: 'created', update: 'updated', delete: 'deleted' } as const;

function outcomeOf({ action, type, id, changed, deletedCount, issues = [] }: WriteResult): object {
  const what = id === '' ? `No ${type}` : `${type}/${id}`;
  const diagnostics =
    deletedCount === undefined
      ? `${what} was ${changed || id === '' ? words[action] : 'not changed'}.`
      : `${deletedCount} ${type} were deleted.`;
  return toOperationOutcome([{ severity: 'information', code: 'informational', diagnostics }, ...issues]);
}

/** The answer of anything that is no write of a transaction. */
export function answerResponse({ status, headers, lastModified, body }: EntryAnswer): string {
  const response = {
    status: statusLine(status),
    ...(headers.Location === undefined ? {} : { location: headers.Location }),
    ...(headers.ETag === undefined ? {} : { etag: headers.ETag }),
    ...(lastModified === undefined ? {} : { lastModified: lastModified.toISOString() }),
  };
  const entry = JSON.stringify({ response });
  return body === undefined ? entry : withResource(entry, body);
}

export function errorResponse(error: FhirError): string {
  return refusalResponse(error.status, JSON.stringify(toOperationOutcome(error.issues)));
}

/** `outcome` is an OperationOutcome's JSON text. */
export function refusalResponse(status: number, outcome: string): string {
  return `{"response":{"status":"${statusLine(status)}","outcome":${outcome}}}`;
}

/** https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response.status: it begins with the three digits. */
function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
}

function withResource(entry: string, json: string): string {
  return `${entry.slice(0, -1)},"resource":${json}}`;
}
