// One route of an administration API as data, from which its handler and its part of the OpenAPI document are made: https://spec.openapis.org/oas/v3.1.1

import type { Readable } from 'node:stream';
import type { Session } from '../repository/session.ts';

/** Of JSON Schema 2020-12, which is the dialect of OpenAPI 3.1. Objects say `additionalProperties: false` unless they are open on purpose. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface AdminRequest {
  /** Decoded parameters of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** Only those that the route names, each at most once and of its schema; numbers are still text. */
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Meets the route's schema; undefined where the route takes none. */
  // biome-ignore lint/suspicious/noExplicitAny: the route's schema says what it is, and the route's code reads it as that.
  readonly body: any;
}

export interface AdminAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a stream, or text with a Content-Type of its own, as it is; absent = no body. */
  readonly body?: object | string | Readable;
}

export interface AnswerDescription {
  readonly description: string;
  /** Of a JSON body. */
  readonly schema?: JsonSchema;
  /** Of a body that is no JSON. */
  readonly contentType?: string;
}

/** `Context` is what the API hands to its routes, such as the caller and a way to open sessions. */
export interface AdminRoute<Context> {
  /** Unique in both APIs, such as `createTenant`: OpenAPI's operationId. */
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base of the API, parameters in braces: `/clients/{clientId}`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** Parameters of the query by name; their values are checked as texts (`type: 'string'`, with `pattern` or `enum`). */
  readonly query?: Readonly<Record<string, JsonSchema & { readonly description: string }>>;
  /** Its answers of one thing have an ETag. */
  readonly hasETag?: boolean;
  /** 412 where If-Match names another version than there is. */
  readonly takesIfMatch?: boolean;
  /** A JSON body of this schema is required. */
  readonly body?: JsonSchema;
  /** The good answers by status; 400, 401, 403, 404, 409, 412, 413, 415, 422, 429 and 503 are OperationOutcomes everywhere. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Where the answer is kept for an Idempotency-Key, `open` is the transaction that keeps it; the route's work in that tenant belongs in it. */
  run(context: Context, request: AdminRequest, open?: Session): Promise<AdminAnswer>;
}
