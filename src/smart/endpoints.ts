// The endpoints under the issuer: token, introspection (RFC 7662), revocation (RFC 7009), keys and metadata; every other door is shut.

import type Koa from 'koa';
import { fhirError } from '../fhir/outcome.ts';
import { brandsBundle } from './brands.ts';
import { type BrowserContext, createBrowserEndpoints } from './browser-endpoints.ts';
import { openIdConfiguration, styleDocument } from './discovery.ts';
import { answerLaunch, type LaunchContext } from './launch-endpoint.ts';
import type { OidcContext } from './oidc-provider.ts';
import { noteClientRequest } from './on-record.ts';
import { createRecordAdapter } from './record-adapter.ts';
import { answerRegistration, type RegistrationContext } from './registration.ts';
import { runProvider } from './run-provider.ts';
import { scopesLengthMax } from './scopes.ts';
import { type Attempt, networkOf } from './throttle.ts';
import { addLaunchContext } from './token-answer.ts';
import { claimedClientId, hasBrokenAssertion, readTokenRequest, type TokenRequest } from './token-request.ts';
import { oauthPaths, ownPaths } from './urls.ts';
import { answerUserinfo, type UserinfoContext } from './userinfo.ts';

export interface EndpointsContext extends BrowserContext, LaunchContext, RegistrationContext, UserinfoContext {
  readonly tenantName: string;
  readonly jwks: { readonly keys: readonly unknown[] };
  /** The `jti` of a valid access token of this issuer. */
  readonly accessTokenId: (token: string) => Promise<string | undefined>;
}

type Handler = (ctx: Koa.Context) => Promise<void>;

export function createEndpoints(context: EndpointsContext): Handler {
  const documents = createDocuments(context);
  const posts = createPosts(context);
  const answerBrowser = createBrowserEndpoints(context);
  return async (ctx) => {
    const path = ctx.path.slice(`/t/${context.tenantName}`.length);
    const document = documents.get(path);
    if (document) return sendDocument(ctx, await document());
    if (path === ownPaths.userinfo) return await orNotAllowed(ctx, ['GET', 'POST'], () => answerUserinfo(context, ctx));
    const answerPost = posts.get(path);
    if (!answerPost) {
      if (await answerBrowser(ctx, path)) return;
      throw fhirError('not-found', 'There is nothing at this address.');
    }
    // Set first, so that it is there whatever is answered: RFC 6749 section 5.1.
    ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    await orNotAllowed(ctx, ['POST'], () => answerPost(ctx));
  };
}

async function orNotAllowed(ctx: Koa.Context, methods: readonly string[], work: () => Promise<void>): Promise<void> {
  if (methods.includes(ctx.method)) return await work();
  ctx.set('Allow', methods.join(', '));
  sendError(ctx, 405, 'invalid_request', `only ${methods.join(' and ')} is supported here`);
}

function createDocuments(context: EndpointsContext): ReadonlyMap<string, () => unknown> {
  const metadata = async () => openIdConfiguration(context.urls, await context.settings());
  const brands = brandsBundle(context);
  return new Map<string, () => unknown>([
    [oauthPaths.jwks, () => context.jwks],
    ['/.well-known/openid-configuration', metadata],
    ['/.well-known/oauth-authorization-server', metadata],
    [ownPaths.brands, () => brands],
    [ownPaths.style, () => styleDocument],
  ]);
}

function createPosts(context: EndpointsContext): ReadonlyMap<string, Handler> {
  const asClient = (path: string): [string, Handler] => [path, (ctx) => answerClient(context, ctx, path)];
  return new Map<string, Handler>([
    asClient(oauthPaths.token),
    asClient(oauthPaths.introspection),
    asClient(oauthPaths.revocation),
    [ownPaths.registration, (ctx) => answerRegistration(context, ctx)],
    [ownPaths.launch, (ctx) => answerLaunch(context, ctx)],
  ]);
}

function sendDocument(ctx: Koa.Context, document: unknown): void {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
    ctx.set('Allow', 'GET, HEAD');
    throw fhirError('not-supported', 'This document can only be read.');
  }
  ctx.set({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=60' });
  ctx.body = document;
}

async function answerClient(context: EndpointsContext, ctx: Koa.Context, path: string): Promise<void> {
  const request = await readTokenRequest(ctx);
  const { form } = request ?? { form: new URLSearchParams() };
  const claimedId = claimedClientId(ctx.headers.authorization, form);
  const inner = request ? await answerThrottled(context, ctx, { ...request, path, claimedId }) : sendTooLarge(ctx);
  noteClientRequest(context, ctx, { path, form, claimedId, inner });
}

interface ClaimedRequest extends TokenRequest {
  readonly path: string;
  readonly claimedId: string | undefined;
}

/** What oidc-provider has looked up; undefined where it was not asked. */
async function answerThrottled(
  context: EndpointsContext,
  ctx: Koa.Context,
  { path, claimedId, ...request }: ClaimedRequest,
): Promise<OidcContext | undefined> {
  const attempt: Attempt = {
    client: claimedId === undefined ? undefined : `${context.tenantId} ${claimedId}`,
    network: networkOf(ctx.ip),
  };
  const waitSeconds = context.throttle.waitSeconds(attempt);
  if (waitSeconds > 0) return sendTooMany(ctx, waitSeconds);
  const inner = await askProvider(context, ctx, path, request);
  if (isClientFailure(ctx)) {
    const tooManySeconds = context.throttle.failed(attempt);
    if (tooManySeconds > 0) sendTooMany(ctx, tooManySeconds);
  } else if (ctx.status === 200) context.throttle.succeeded(attempt);
  return inner;
}

async function askProvider(
  context: EndpointsContext,
  ctx: Koa.Context,
  path: string,
  request: TokenRequest,
): Promise<OidcContext | undefined> {
  // SMART wants `invalid_client` for every assertion that fails; oidc-provider calls an unreadable one `invalid_request`.
  if (hasBrokenAssertion(request.form)) return sendError(ctx, 401, 'invalid_client', 'client authentication failed');
  if ((request.form.get('scope')?.length ?? 0) > scopesLengthMax) {
    return sendError(ctx, 400, 'invalid_scope', `the scopes have more than ${scopesLengthMax} characters`);
  }
  const body =
    path === oauthPaths.token ? await nameClient(context, ctx, request) : await nameTokenById(context, request);
  const { unavailable, inner } = await runProvider(context, ctx, { method: 'POST', path, body });
  if (unavailable) {
    ctx.set('Retry-After', String(unavailable.retryAfterSeconds ?? 1));
    return sendError(ctx, 503, 'temporarily_unavailable', unavailable.message);
  }
  if (ctx.status === 200) await addLaunchContext(context, ctx, inner);
  if (path === oauthPaths.token && isGrantOfOthers(ctx, inner)) {
    sendError(ctx, 400, 'unauthorized_client', 'the client is not registered for this grant type');
  }
  return inner;
}

/** oidc-provider calls it `invalid_request`; RFC 6749 section 5.2 has a name of its own for it. */
function isGrantOfOthers(ctx: Koa.Context, { oidc }: OidcContext): boolean {
  const { client, params } = oidc as Partial<OidcContext['oidc']>;
  const { error } = (ctx.body ?? {}) as { readonly error?: string };
  return error === 'invalid_request' && client !== undefined && !client.grantTypeAllowed(params?.grant_type ?? '');
}

/**
 * Public apps may refresh without saying who they are (SMART App Launch, Refresh access token): the token says it. A client that
 * must prove itself is refused all the same.
 */
async function nameClient(context: EndpointsContext, ctx: Koa.Context, { body, form }: TokenRequest): Promise<Buffer> {
  const token = form.get('refresh_token');
  const isNamed = ctx.req.headers.authorization !== undefined || form.has('client_id') || form.has('client_assertion');
  if (isNamed || token === null || form.get('grant_type') !== 'refresh_token') return body;
  const { clientId } = (await createRecordAdapter(context, 'RefreshToken').find(token)) ?? {};
  if (typeof clientId !== 'string') return body;
  const named = new URLSearchParams(form);
  named.set('client_id', clientId);
  return Buffer.from(named.toString());
}

/** oidc-provider refuses JWTs here, because it does not know of their rows; their ids it takes. */
async function nameTokenById(context: EndpointsContext, { body, form }: TokenRequest): Promise<Buffer> {
  const [token, ...others] = form.getAll('token');
  if (token === undefined || others.length > 0 || !token.includes('.')) return body;
  const named = new URLSearchParams(form);
  named.set('token', (await context.accessTokenId(token)) ?? 'invalid');
  return Buffer.from(named.toString());
}

function isClientFailure(ctx: Koa.Context): boolean {
  return ctx.status === 401 && (ctx.body as { error?: string } | undefined)?.error === 'invalid_client';
}

function sendTooLarge(ctx: Koa.Context): undefined {
  // The rest of it must not be taken for the next request.
  ctx.set('Connection', 'close');
  return sendError(ctx, 413, 'invalid_request', 'the request is too large');
}

function sendTooMany(ctx: Koa.Context, waitSeconds: number): undefined {
  ctx.remove('WWW-Authenticate');
  ctx.set('Retry-After', String(waitSeconds));
  return sendError(ctx, 429, 'temporarily_unavailable', 'too many failed attempts; wait and try again');
}

function sendError(ctx: Koa.Context, status: number, error: string, description: string): undefined {
  ctx.status = status;
  ctx.body = { error, error_description: description };
}
