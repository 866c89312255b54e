// The request to a token endpoint, read once and bounded, so that we can look at it before oidc-provider does: RFC 6749 section 2.3.1.

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { decodeJwt } from 'jose';
import type Koa from 'koa';

export interface TokenRequest {
  readonly body: Buffer;
  /** Empty when the body is no form. */
  readonly form: URLSearchParams;
}

/** Far more than a good request needs, so that a bad one is still answered by what is wrong with it. */
const bodyBytesMax = 256 * 1_024;
const assertionLengthMax = 16 * 1_024;
const clientIdLengthMax = 128;

/** Undefined when the body is too big. */
export async function readTokenRequest(ctx: Koa.Context): Promise<TokenRequest | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const isForm = Boolean(ctx.is('application/x-www-form-urlencoded'));
  return { body, form: new URLSearchParams(isForm ? body.toString() : '') };
}

/** Who the request says it is, before anything is proven; undefined when it does not say, or not readably. */
export function claimedClientId(authorization: string | undefined, form: URLSearchParams): string | undefined {
  const clientId = clientIdOfAssertion(form) ?? clientIdOfBasic(authorization) ?? form.get('client_id') ?? undefined;
  return clientId === undefined || clientId.length > clientIdLengthMax ? undefined : clientId;
}

/** True when there is an assertion and it is no JWT at all, or one of unreasonable size. */
export function hasBrokenAssertion(form: URLSearchParams): boolean {
  const assertion = form.get('client_assertion');
  if (!assertion) return false;
  return assertion.length > assertionLengthMax || clientIdOfAssertion(form) === undefined;
}

function clientIdOfAssertion(form: URLSearchParams): string | undefined {
  try {
    const { sub } = decodeJwt(form.get('client_assertion') ?? '');
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    return undefined;
  }
}

function clientIdOfBasic(authorization = ''): string | undefined {
  const encoded = /^Basic +([\w+/=-]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const [clientId = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  try {
    return decodeURIComponent(clientId.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

export interface Replayed {
  readonly method: 'GET' | 'POST';
  /** With the query, if that is to be read. */
  readonly path: string;
  readonly body: Buffer;
  /** Clients come by TLS, whatever stands between them and this process: cookies are made for that. */
  readonly isSecure: boolean;
}

/** The same request again with another body and path, for oidc-provider to read. */
export function replay(ctx: Koa.Context, { method, path, body, isSecure }: Replayed): IncomingMessage {
  const { 'transfer-encoding': _, 'content-length': __, 'content-type': type, ...headers } = ctx.req.headers;
  const { socket, httpVersion } = ctx.req;
  const content = { ...(type === undefined ? {} : { 'content-type': type }), 'content-length': String(body.length) };
  return Object.assign(Readable.from([body], { objectMode: false }), {
    method,
    socket: Object.create(socket, { encrypted: { value: isSecure } }),
    httpVersion,
    url: path,
    // OAuth answers in JSON, also to who would like a page of HTML.
    headers: { ...headers, accept: 'application/json', ...(method === 'POST' ? content : {}) },
  }) as unknown as IncomingMessage;
}
