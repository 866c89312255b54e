// Signing out at an app's wish: https://openid.net/specs/openid-connect-rpinitiated-1_0.html

import { type JWTVerifyGetKey, jwtVerify } from 'jose';
import type Koa from 'koa';
import { clientAddress } from '../access/client-address.ts';
import { recordAct } from '../people/account-acts.ts';
import { identityAlgorithm, signingAlgorithm } from '../tenants/signing-key.ts';
import { hashOf } from './hash.ts';
import { csrfToken, isOwnForm, type PageSource, sendError, sendPage } from './interactions/page.ts';
import { sendSignOutPage } from './interactions/sign-out-page.ts';
import { endSessionByHash } from './login-sessions.ts';
import type { OidcClient, OidcProvider } from './oidc-provider.ts';
import type { PersonContext } from './person.ts';
import { readTokenRequest } from './token-request.ts';
import { ownPaths } from './urls.ts';

export interface LogoutContext extends PersonContext, PageSource {
  readonly publicKeys: JWTVerifyGetKey;
  readonly cookieKey: string;
  readonly provider: () => OidcProvider;
}

interface Hint {
  readonly clientId: string;
  readonly accountId: string;
}

/** At once when the app shows an id_token of whoever is signed in; else the person is asked. */
export async function answerLogout(context: LogoutContext, ctx: Koa.Context): Promise<void> {
  const request = await readTokenRequest(ctx);
  if (!request) return sendError(context, ctx, 413, 'The request is too large.');
  const params = ctx.method === 'POST' ? request.form : new URLSearchParams(ctx.querystring);
  const presented = params.get('id_token_hint');
  const hint = presented === null ? undefined : await readHint(context, presented);
  if (presented !== null && !hint) return sendError(context, ctx, 400, 'The id_token_hint is not one of this server.');
  const named = params.get('client_id');
  if (hint && named !== null && named !== hint.clientId) {
    return sendError(context, ctx, 400, 'The id_token_hint is not one of this app.');
  }
  const client = await findClient(context, hint?.clientId ?? named ?? undefined);
  const target = params.get('post_logout_redirect_uri');
  if (target !== null && !client?.registered_logout_uris.includes(target)) {
    return sendError(context, ctx, 400, 'The app has not registered the address it wants to go on at.');
  }
  const session = await context.provider().Session.get(ctx);
  if (session.accountId !== undefined && session.accountId !== hint?.accountId) {
    const csrf = csrfToken(context.cookieKey, `logout|${session.uid}`);
    if (ctx.method !== 'POST' || !isOwnForm(ctx, params.get('csrf'), csrf)) {
      const kept = [...params].filter(([name]) => name !== 'csrf');
      return sendSignOutPage(context, ctx, { action: context.urls.basePath + ownPaths.endSession, csrf, kept });
    }
  }
  if (session.accountId !== undefined)
    await endSession(context, ctx, { uid: session.uid, accountId: session.accountId });
  leave(context, ctx, target, params.get('state'));
}

async function endSession(
  { tenantId, tenantDoor, keyRing, provider, urls }: LogoutContext,
  ctx: Koa.Context,
  { uid, accountId }: { readonly uid: string; readonly accountId: string },
): Promise<void> {
  const origin = {
    cipher: await keyRing.cipherOf(tenantId),
    address: clientAddress(ctx.req.socket.remoteAddress),
  };
  await tenantDoor(tenantId, async (trx) => {
    endSessionByHash(trx, hashOf(uid));
    recordAct(trx, 'sign-out', accountId, origin);
  });
  const { cookies } = provider().createContext(ctx.req, ctx.res);
  cookies.set('hpms_session', null, { path: urls.basePath, signed: true });
}

function leave(context: LogoutContext, ctx: Koa.Context, target: string | null, state: string | null): void {
  if (target === null) {
    const text = 'Apps that work only while you are signed in have no access any more.';
    sendPage(context, ctx, { kind: 'message', title: 'You are signed out', text, isError: false });
    return;
  }
  const url = new URL(target);
  if (state !== null) url.searchParams.set('state', state);
  ctx.status = 303;
  ctx.set({ Location: url.href, 'Cache-Control': 'no-store' });
}

async function findClient({ provider }: LogoutContext, clientId: string | undefined): Promise<OidcClient | undefined> {
  return clientId === undefined ? undefined : await provider().Client.find(clientId);
}

/** An old one still says whose it was: RP-Initiated Logout section 2. */
async function readHint({ urls, publicKeys }: LogoutContext, token: string): Promise<Hint | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, publicKeys, {
      issuer: urls.issuer,
      // Versions before 2026-11-23 signed id_tokens as access tokens are signed.
      algorithms: [identityAlgorithm, signingAlgorithm],
      currentDate: new Date(0),
    });
    const { aud, sub } = payload;
    if (protectedHeader.typ === 'at+jwt' || typeof aud !== 'string' || sub === undefined) return undefined;
    return { clientId: aud, accountId: sub };
  } catch {
    return undefined;
  }
}
