// The shape all FHIR interactions share: a request taken apart, and an answer before it becomes HTTP.

import type { Readable } from 'node:stream';
import type { Caller } from '../access/caller.ts';
import type { ParsedJson } from '../fhir/json.ts';
import type { Repository, Session } from '../repository/session.ts';
import type { RequestKey } from './idempotency.ts';

/** HEAD is answered as GET without its body. */
export type RequestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface InteractionRequest {
  readonly method: RequestMethod;
  /** The tenant's FHIR base without a slash at its end; from the configuration, never from the Host header. */
  readonly baseUrl: string;
  /** Empty where the path names none, as `id` and `versionId` are. */
  readonly type: string;
  readonly id: string;
  readonly versionId: string;
  /** All named parts of the path. */
  readonly params: Readonly<Partial<Record<string, string>>>;
  readonly query: URLSearchParams;
  readonly body: ParsedJson | undefined;
  header(name: string): string | undefined;
}

export interface InteractionResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text of a resource, unless the headers name another Content-Type; undefined for an empty answer. */
  readonly body: string | Buffer | Readable | undefined;
}

/** Runs inside one transaction of the caller's tenant. */
export type Interaction = (session: Session, request: InteractionRequest) => Promise<InteractionResponse>;

/** An interaction on the whole system: it opens its own transactions. */
export type SystemInteraction = (
  options: SystemOptions,
  caller: Caller,
  request: InteractionRequest,
  key: RequestKey | undefined,
) => Promise<InteractionResponse>;

export interface SystemOptions {
  readonly repository: Repository;
  readonly onFailure: (error: unknown) => void;
}

/** An interaction that needs no caller. */
export type OpenInteraction = (options: SystemOptions, baseUrl: string) => InteractionResponse;

/** Weak ETag of a version: https://hl7.org/fhir/R4/http.html#versioning */
export function etag(versionId: number): string {
  return `W/"${versionId}"`;
}

export function versionHeaders(version: {
  readonly versionId: number;
  readonly lastUpdated: Date;
}): Record<string, string> {
  return { ETag: etag(version.versionId), 'Last-Modified': version.lastUpdated.toUTCString() };
}

/** Of an answer that is no stream: those of writes never are. */
export function textOfBody(body: InteractionResponse['body']): string | undefined {
  if (body === undefined || typeof body === 'string') return body;
  if (Buffer.isBuffer(body)) return body.toString();
  throw new Error('A streamed answer has no text.');
}
