// Which pages a browser lets read the answers: https://fetch.spec.whatwg.org/#http-cors-protocol (security.md 66)

import cors from '@koa/cors';
import type { Context, Middleware, Next } from 'koa';

/** The origins a tenant has registered; none for a tenant that does not exist. */
export type OriginsOf = (tenantName: string) => Promise<readonly string[]>;

/** Anybody may read these, from anywhere: what they say is the same for all. */
const openPath =
  /^\/t\/[^/]+\/(?:fhir\/metadata|fhir\/\.well-known\/[^/]+|\.well-known\/[^/]+|jwks)$|^\/\.well-known\/oauth-authorization-server\/t\/[^/]+$/;
const tenantPath = /^\/t\/([^/]+)\//;

/** A page may so long go without asking again. */
const maxAgeSeconds = 3_600;

const exposeHeaders = [
  ...['ETag', 'Location', 'Content-Location', 'Last-Modified', 'Content-Disposition', 'X-Security-Context'],
  ...['X-Request-Id', 'X-Progress', 'Preference-Applied', 'Retry-After', 'Allow', 'Accept-Patch', 'WWW-Authenticate'],
  'Link',
];

const allowHeaders = [
  ...['Authorization', 'Accept', 'Content-Type', 'Content-Encoding', 'Prefer', 'X-Request-Id', 'Idempotency-Key'],
  ...['If-Match', 'If-None-Match', 'If-Modified-Since', 'If-None-Exist', 'X-Security-Context', 'X-Requested-With'],
  ...['X-Confirm-Duplicate', 'X-Purpose-Of-Use'],
];

/** Without credentials: a token comes in a header, never by itself. Whoever sends no Origin pays nothing. */
export function createCors(originsOf: OriginsOf): Middleware {
  const answer = cors({
    origin: (ctx) => allowedOrigin(ctx, originsOf),
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    exposeHeaders,
    allowHeaders,
    maxAge: maxAgeSeconds,
    credentials: false,
    keepHeadersOnError: false,
  });
  return (ctx, next) => {
    if (ctx.req.headers.origin === undefined) return next();
    return answer(ctx, () => keepingOrigin(ctx, next));
  };
}

/** The token endpoint takes away whatever oidc-provider has to say about origins. */
async function keepingOrigin(ctx: Context, next: Next): Promise<void> {
  const allowed = ctx.res.getHeader('Access-Control-Allow-Origin');
  await next();
  if (allowed === undefined) return;
  ctx.set({ 'Access-Control-Allow-Origin': String(allowed), 'Access-Control-Expose-Headers': exposed });
}

const exposed = exposeHeaders.join(',');

/** The empty string for an origin that is told nothing. */
async function allowedOrigin(ctx: Context, originsOf: OriginsOf): Promise<string> {
  if (openPath.test(ctx.path)) return '*';
  const [, tenantName] = tenantPath.exec(ctx.path) ?? [];
  if (tenantName === undefined) return '';
  const origin = ctx.get('Origin');
  return (await originsOf(tenantName)).includes(origin) ? origin : '';
}
