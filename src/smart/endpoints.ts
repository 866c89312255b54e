// The endpoints under the issuer: token, introspection (RFC 7662), revocation (RFC 7009), keys and metadata; every other door is shut.

import type Koa from 'koa';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import { openIdConfiguration } from './discovery.ts';
import type { OidcProvider } from './oidc-provider.ts';
import { scopesLengthMax } from './scopes.ts';
import { type Attempt, networkOf, type Throttle } from './throttle.ts';
import { claimedClientId, hasBrokenAssertion, readTokenRequest, replay, type TokenRequest } from './token-request.ts';
import { type IssuerUrls, oauthPaths } from './urls.ts';

export interface EndpointsContext {
  readonly tenantId: number;
  readonly tenantName: string;
  readonly urls: IssuerUrls;
  readonly jwks: { readonly keys: readonly unknown[] };
  readonly throttle: Throttle;
  /** Made on first use: most processes see few tenants' token requests. */
  readonly provider: () => OidcProvider;
  /** The `jti` of a valid access token of this issuer. */
  readonly accessTokenId: (token: string) => Promise<string | undefined>;
  readonly onError: (error: unknown) => void;
}

export function createEndpoints(context: EndpointsContext): (ctx: Koa.Context) => Promise<void> {
  const documents = new Map<string, unknown>([
    [oauthPaths.jwks, context.jwks],
    ['/.well-known/openid-configuration', openIdConfiguration(context.urls)],
    ['/.well-known/oauth-authorization-server', openIdConfiguration(context.urls)],
  ]);
  const posts = new Set<string>([oauthPaths.token, oauthPaths.introspection, oauthPaths.revocation]);
  return async (ctx) => {
    const path = ctx.path.slice(`/t/${context.tenantName}`.length);
    const document = documents.get(path);
    if (document) return sendDocument(ctx, document);
    if (!posts.has(path)) throw fhirError('not-found', 'There is nothing at this address.');
    // Set first, so that it is there whatever is answered: RFC 6749 section 5.1.
    ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    if (ctx.method === 'POST') return await answerPost(context, ctx, path);
    ctx.set('Allow', 'POST');
    sendError(ctx, 405, 'invalid_request', 'only POST is supported here');
  };
}

function sendDocument(ctx: Koa.Context, document: unknown): void {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
    ctx.set('Allow', 'GET, HEAD');
    throw fhirError('not-supported', 'This document can only be read.');
  }
  ctx.set({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=60' });
  ctx.body = document;
}

async function answerPost(context: EndpointsContext, ctx: Koa.Context, path: string): Promise<void> {
  const request = await readTokenRequest(ctx);
  if (!request) {
    // The rest of it must not be taken for the next request.
    ctx.set('Connection', 'close');
    return sendError(ctx, 413, 'invalid_request', 'the request is too large');
  }
  const clientId = claimedClientId(ctx.headers.authorization, request.form);
  const attempt: Attempt = {
    client: clientId === undefined ? undefined : `${context.tenantId} ${clientId}`,
    network: networkOf(ctx.ip),
  };
  const waitSeconds = context.throttle.waitSeconds(attempt);
  if (waitSeconds > 0) return sendTooMany(ctx, waitSeconds);
  await runProvider(context, ctx, path, request);
  if (isClientFailure(ctx)) {
    const tooManySeconds = context.throttle.failed(attempt);
    if (tooManySeconds > 0) sendTooMany(ctx, tooManySeconds);
  } else if (ctx.status === 200) context.throttle.succeeded(attempt);
}

async function runProvider(
  context: EndpointsContext,
  ctx: Koa.Context,
  path: string,
  request: TokenRequest,
): Promise<void> {
  // SMART wants `invalid_client` for every assertion that fails; oidc-provider calls an unreadable one `invalid_request`.
  if (hasBrokenAssertion(request.form)) return sendError(ctx, 401, 'invalid_client', 'client authentication failed');
  if ((request.form.get('scope')?.length ?? 0) > scopesLengthMax) {
    return sendError(ctx, 400, 'invalid_scope', `the scopes have more than ${scopesLengthMax} characters`);
  }
  const body = path === oauthPaths.token ? request.body : await nameTokenById(context, request);
  const provider = context.provider();
  const inner = provider.createContext(replay(ctx, path, body), ctx.res);
  // With these two oidc-provider builds every URL, such as the accepted `aud`, from ours instead of the Host header.
  inner.request.originalUrl = context.urls.issuer + path;
  inner.mountPath = new URL(context.urls.issuer).pathname;
  // Its router is the only middleware it has.
  await provider.middleware[0]?.(inner, async () => undefined);
  ctx.status = inner.status;
  ctx.body = inner.body;
  // Preflights and pages of other origins are told nothing: security.md 66.
  for (const name of Object.keys(ctx.response.headers)) if (name.startsWith('access-control-')) ctx.remove(name);
  const failure: unknown = inner.state.failure;
  if (failure !== undefined) reportFailure(context, ctx, failure);
}

/** oidc-provider refuses JWTs here, because it does not know of their rows; their ids it takes. */
async function nameTokenById(context: EndpointsContext, { body, form }: TokenRequest): Promise<Buffer> {
  const [token, ...others] = form.getAll('token');
  if (token === undefined || others.length > 0 || !token.includes('.')) return body;
  const named = new URLSearchParams(form);
  named.set('token', (await context.accessTokenId(token)) ?? 'invalid');
  return Buffer.from(named.toString());
}

/** Whatever failed behind oidc-provider's `server_error`: the database may be gone for a moment. */
function reportFailure(context: EndpointsContext, ctx: Koa.Context, failure: unknown): void {
  if (failure instanceof FhirError && failure.status === 503) {
    ctx.set('Retry-After', String(failure.retryAfterSeconds ?? 1));
    sendError(ctx, 503, 'temporarily_unavailable', failure.message);
  } else context.onError(failure);
}

function isClientFailure(ctx: Koa.Context): boolean {
  return ctx.status === 401 && (ctx.body as { error?: string } | undefined)?.error === 'invalid_client';
}

function sendTooMany(ctx: Koa.Context, waitSeconds: number): void {
  ctx.remove('WWW-Authenticate');
  ctx.set('Retry-After', String(waitSeconds));
  sendError(ctx, 429, 'temporarily_unavailable', 'too many failed attempts; wait and try again');
}

function sendError(ctx: Koa.Context, status: number, error: string, description: string): void {
  ctx.status = status;
  ctx.body = { error, error_description: description };
}
