// The answer to one entry, as JSON text so that stored bodies go out as they are.

import { type FhirError, toOperationOutcome } from '../fhir/outcome.ts';
import type { WriteResult } from '../repository/change.ts';

const statusByAction = { create: '201 Created', update: '200 OK', delete: '204 No Content' } as const;

export function writeResponse(baseUrl: string, result: WriteResult): string {
  const { type, id, versionId, lastUpdated, json } = result;
  const response = {
    status: statusByAction[result.action],
    ...(json === undefined ? {} : { location: `${baseUrl}/${type}/${id}/_history/${versionId}` }),
    ...(versionId > 0 ? { etag: `W/"${versionId}"` } : {}),
    lastModified: lastUpdated.toISOString(),
  };
  const entry = JSON.stringify({ ...(json === undefined ? {} : { fullUrl: `${baseUrl}/${type}/${id}` }), response });
  return json === undefined ? entry : withResource(entry, json);
}

export interface FoundVersion {
  readonly versionId: number;
  readonly lastUpdated: Date;
  readonly body: Buffer;
}

export function readResponse(version: FoundVersion): string {
  const response = {
    status: '200 OK',
    etag: `W/"${version.versionId}"`,
    lastModified: version.lastUpdated.toISOString(),
  };
  return withResource(JSON.stringify({ response }), version.body.toString());
}

/** A searchset or history as the resource of an entry. */
export function bundleResponse(json: string): string {
  return withResource('{"response":{"status":"200 OK"}}', json);
}

export function errorResponse(error: FhirError): string {
  return refusalResponse(error.status, JSON.stringify(toOperationOutcome(error.issues)));
}

/** `outcome` is an OperationOutcome's JSON text. */
export function refusalResponse(status: number, outcome: string): string {
  return `{"response":{"status":"${status}","outcome":${outcome}}}`;
}

function withResource(entry: string, json: string): string {
  return `${entry.slice(0, -1)},"resource":${json}}`;
}
