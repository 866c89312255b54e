// The shape all FHIR interactions share: a request taken apart, and an answer before it becomes HTTP.

import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Caller } from '../access/caller.ts';
import type { AccessTrail } from '../audit/trail/access-trail.ts';
import type { Definitions } from '../fhir/definitions.ts';
import type { ParsedJson } from '../fhir/json.ts';
import type { Issue } from '../fhir/outcome.ts';
import type { WriteResult } from '../repository/change.ts';
import type { Repository, Session } from '../repository/session.ts';
import type { RequestKey } from './idempotency.ts';
import type { RequestAccess } from './request-access.ts';

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
  /** Instead of `body` on a route that carries `any`, when the body is no FHIR JSON or XML. */
  readonly raw?: RawBody;
  /** The answer becomes a part of a Bundle, which is JSON or XML as a whole. */
  readonly isForBundle?: true;
  /** Of a bundle, whose entries are put on record each. */
  readonly access?: RequestAccess;
  header(name: string): string | undefined;
}

/** A body that was not read yet: decoded, and ending in a FhirError (413, 400) where it is too long or broken. */
export interface RawBody {
  /** The Content-Type as it was sent, with its parameters; `application/octet-stream` when there was none. */
  readonly mediaType: string;
  readonly stream: Readable;
}

export interface InteractionResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the version that is answered, to the millisecond, where the header has seconds only. */
  readonly lastModified?: Date;
  /** JSON text of a resource, unless the headers name a Content-Type, as those of a stream do; undefined for an empty answer. */
  readonly body: string | Buffer | Readable | undefined;
  /** What is to be told of a resource that was written all the same. */
  readonly issues?: readonly Issue[];
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
  readonly trail: AccessTrail;
  readonly onFailure: (error: unknown) => void;
}

/** An interaction that needs no caller. */
export type OpenInteraction = (
  options: SystemOptions,
  baseUrl: string,
  request: Pick<InteractionRequest, 'query' | 'header'>,
  /** Of the tenant. */
  definitions: Definitions,
) => InteractionResponse;

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

/**
 * The resource that was written, and what is to be told of it with `Prefer: return=OperationOutcome`
 * (https://hl7.org/fhir/R4/http.html#ops): nothing of either to who may not read it.
 */
export function contentOf({ json, issues, isHidden }: WriteResult): Pick<InteractionResponse, 'body' | 'issues'> {
  if (isHidden) return { body: undefined };
  return { body: json, ...(issues && { issues }) };
}

/** The text of a streamed answer, which something that is no HTTP answer takes whole. */
export async function wholeTextOfBody(body: InteractionResponse['body']): Promise<string | undefined> {
  return body instanceof Readable ? await text(body) : textOfBody(body);
}

/** Of an answer that is no stream: those of writes never are. */
export function textOfBody(body: InteractionResponse['body']): string | undefined {
  if (body === undefined || typeof body === 'string') return body;
  if (Buffer.isBuffer(body)) return body.toString();
  throw new Error('A streamed answer has no text.');
}
