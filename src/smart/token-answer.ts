// The members that SMART adds to answers of the token and the introspection endpoint, always from the stored grant, never from the
// request: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#launch-context-arrives-with-your-access_token

import type Koa from 'koa';
import { findGrantOfToken } from './access-tokens.ts';
import { findAppGrant } from './app-grants.ts';
import { contextWithin } from './authorization.ts';
import { hashOf } from './hash.ts';
import type { OidcContext } from './oidc-provider.ts';
import { findPerson, type PersonContext } from './person.ts';
import type { IssuerUrls } from './urls.ts';

export interface TokenAnswerContext extends PersonContext {
  readonly urls: IssuerUrls;
}

export async function addLaunchContext(
  context: TokenAnswerContext,
  ctx: Koa.Context,
  inner: OidcContext,
): Promise<void> {
  const body = ctx.body as Record<string, unknown> | undefined;
  if (!body || body.active === false) return;
  const { entities, route } = inner.oidc;
  const grantHash = await grantOf(context, entities);
  const grant = grantHash && (await context.tenantDoor(context.tenantId, (trx) => findAppGrant(trx, grantHash)));
  if (!grant) return;
  const launch = contextWithin(String(body.scope ?? '').split(' '), grant);
  // Apps are opened in a window of their own, so nothing around them says whose record is open.
  const look = { need_patient_banner: true, smart_style_url: context.urls.style };
  const identity = route === 'introspection' ? await identityOf(context, grant.accountId, body.scope) : {};
  ctx.body = { ...body, ...launch, ...(route === 'token' ? look : {}), ...identity };
}

type Entities = OidcContext['oidc']['entities'];

async function grantOf({ tenantId, tenantDoor }: TokenAnswerContext, entities: Entities): Promise<Buffer | undefined> {
  const grantId = entities.Grant?.jti ?? entities.RefreshToken?.grantId;
  if (grantId !== undefined) return hashOf(grantId);
  const tokenId = entities.AccessToken?.jti;
  return tokenId === undefined ? undefined : await tenantDoor(tenantId, (trx) => findGrantOfToken(trx, tokenId));
}

/** What an id_token has said, for whoever holds the access token. */
async function identityOf(context: TokenAnswerContext, accountId: string, scope: unknown) {
  const scopes = String(scope ?? '').split(' ');
  if (!scopes.includes('openid') || !scopes.includes('fhirUser')) return {};
  const { fhirUser } = (await findPerson(context, accountId))?.claims() ?? {};
  return fhirUser === undefined ? {} : { fhirUser };
}
