// Who has signed in, for the app that holds the access token: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo. Not
// oidc-provider's own endpoint: that one refuses tokens that are for an API as well.

import type { JWTVerifyGetKey } from 'jose';
import type Koa from 'koa';
import { findLiveToken } from './access-tokens.ts';
import { verifyAccessToken } from './caller.ts';
import { noteCaller } from './on-record.ts';
import { findPerson, identityOf, type PersonContext } from './person.ts';
import type { IssuerUrls } from './urls.ts';

export interface UserinfoContext extends PersonContext {
  readonly urls: IssuerUrls;
  readonly publicKeys: JWTVerifyGetKey;
}

const bearerSyntax = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Only what the token was granted and its app is still registered for. */
export async function answerUserinfo(context: UserinfoContext, ctx: Koa.Context): Promise<void> {
  ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  const header = ctx.req.headers.authorization;
  if (header === undefined) return refuse(ctx, 401);
  const live = await findToken(context, bearerSyntax.exec(header)?.[1] ?? '');
  if (!live) return refuse(ctx, 401, 'invalid_token', 'the access token is not valid here, or has ended');
  const registered = new Set(live.client_scope.split(' '));
  const granted = new Set(live.scope.split(' ').filter((scope) => registered.has(scope)));
  if (live.account_id === null || !granted.has('openid')) {
    return refuse(ctx, 403, 'insufficient_scope', 'the access token was not granted the scope openid');
  }
  const person = await findPerson(context, live.account_id);
  if (!person) return refuse(ctx, 401, 'invalid_token', 'the access token is not valid here, or has ended');
  noteCaller(ctx, { ...identityOf(context.tenantId, person.account, live.client_id), grants: [] });
  const { sub, name, fhirUser } = person.claims();
  ctx.body = {
    sub,
    ...(granted.has('profile') && { name }),
    ...(granted.has('fhirUser') && fhirUser !== undefined && { fhirUser }),
  };
}

async function findToken(context: UserinfoContext, token: string) {
  const claims = await verifyAccessToken(context, token);
  return claims && (await context.tenantDoor(context.tenantId, (trx) => findLiveToken(trx, claims.id), 'read'));
}

/** https://www.rfc-editor.org/rfc/rfc6750#section-3 */
function refuse(ctx: Koa.Context, status: number, error?: string, description = ''): void {
  const scope = status === 403 ? ', scope="openid"' : '';
  const detail = error === undefined ? '' : `, error="${error}", error_description="${description}"${scope}`;
  ctx.status = status;
  ctx.set('WWW-Authenticate', `Bearer realm="userinfo"${detail}`);
  ctx.body = error === undefined ? { error: 'invalid_token' } : { error, error_description: description };
}
