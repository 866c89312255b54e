// The shape all FHIR interactions share: a request taken apart, and an answer before it becomes HTTP.

import type { Caller } from '../access/caller.ts';
import type { ParsedJson } from '../fhir/json.ts';
import type { Repository, Session } from '../repository/session.ts';
import type { RequestKey } from './idempotency.ts';

export interface InteractionRequest {
  /** The tenant's FHIR base without a slash at its end; from the configuration, never from the Host header. */
  readonly baseUrl: string;
  readonly type: string;
  readonly id: string;
  readonly versionId: string;
  readonly query: URLSearchParams;
  readonly body: ParsedJson | undefined;
  header(name: string): string | undefined;
}

export interface InteractionResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text of a resource; undefined for an empty answer. */
  readonly body: string | Buffer | undefined;
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
