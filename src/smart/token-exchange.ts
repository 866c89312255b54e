// An app's access, with what is open in it, for a part of it or for another app: https://www.rfc-editor.org/rfc/rfc8693. SMART App
// Launch 2.2 has no profile of it, so what is not said there is refused: only access tokens of people, only for this FHIR server.

import type { JWTVerifyGetKey } from 'jose';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import { reachesBeyondScopes } from '../people/reserved-rights.ts';
import { rightsOfRoles } from '../people/role-rights.ts';
import { signingAlgorithm } from '../tenants/signing-key.ts';
import { findLiveToken, type LiveToken } from './access-tokens.ts';
import { verifyAccessToken } from './caller.ts';
import { scopeForApp, textsOf } from './grantable.ts';
import { errors, type OidcClient, type OidcContext, type OidcProvider } from './oidc-provider.ts';
import { personalTokenSeconds } from './resource-server.ts';
import { covers, grantsOf, parseScopes } from './scopes.ts';
import type { IssuerUrls } from './urls.ts';

export interface ExchangeContext {
  readonly tenantId: number;
  readonly tenantDoor: TenantDoor;
  readonly urls: IssuerUrls;
  readonly resourceTypes: ReadonlySet<string>;
  readonly publicKeys: JWTVerifyGetKey;
}

export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** Whoever wants the token asks for it and proves who it is; registering it with this grant type is what allows it. */
export function registerTokenExchange(provider: OidcProvider, context: ExchangeContext): void {
  const parameters = [
    ...['subject_token', 'subject_token_type', 'requested_token_type', 'scope', 'resource', 'audience'],
    ...['actor_token', 'actor_token_type'],
  ];
  provider.registerGrantType(tokenExchangeGrant, (ctx) => exchange(context, provider, ctx), parameters);
}

async function exchange(context: ExchangeContext, provider: OidcProvider, ctx: OidcContext): Promise<void> {
  const { client, params } = ctx.oidc;
  requireKnownTypes(params);
  requireTarget(context, ctx);
  const subject = await findSubject(context, params.subject_token ?? '');
  if (subject.live.client_id !== client.clientId) await requireReceiver(context, client);
  const scope = scopeWithin(context, ctx, subject.live);
  const { live, id: subjectId, secondsLeft } = subject;
  const token = new provider.AccessToken({
    ...{ client, accountId: live.account_id ?? '', scope },
    gty: tokenExchangeGrant,
    expiresIn: Math.min(personalTokenSeconds, secondsLeft),
    resourceServer: new provider.ResourceServer(context.urls.fhirBase, {
      ...{ scope, audience: context.urls.fhirBase, accessTokenFormat: 'jwt', jwt: { sign: { alg: signingAlgorithm } } },
    }),
  });
  ctx.oidc.entity('AccessToken', token);
  const isPassedOn = live.client_id !== client.clientId;
  ctx.oidc.entity('SubjectToken', { jti: subjectId, ...(isPassedOn && { accountId: live.account_id }) });
  ctx.body = {
    access_token: await token.save(),
    issued_token_type: accessTokenType,
    ...{ token_type: 'Bearer', expires_in: token.expiration, scope },
  };
}

/** Nobody can tell who a public client is; and what an app cannot do it must not get by another one. */
async function requireReceiver({ tenantId, tenantDoor }: ExchangeContext, client: OidcClient): Promise<void> {
  if (client.clientAuthMethod === 'none') {
    throw new errors.InvalidRequest('a public client can exchange its own tokens only');
  }
  const { operations } = await tenantDoor(tenantId, (trx) => rightsOfRoles(trx, client.registered_roles), 'read');
  if (reachesBeyondScopes(operations)) {
    throw new errors.InvalidRequest('a client with rights of administration can exchange its own tokens only');
  }
}

type Params = OidcContext['oidc']['params'];

function requireKnownTypes(params: Params): void {
  if (params.subject_token_type !== accessTokenType) {
    throw new errors.InvalidRequest(`subject_token_type must be ${accessTokenType}`);
  }
  if ((params.requested_token_type ?? accessTokenType) !== accessTokenType) {
    throw new errors.InvalidRequest(`requested_token_type can be ${accessTokenType} only`);
  }
  if (params.actor_token !== undefined || params.actor_token_type !== undefined) {
    throw new errors.InvalidRequest('actor tokens are not supported: who asks is the actor');
  }
}

/** Who asks is who gets it: a token in another app's name would let this one act as that one. */
function requireTarget({ urls }: ExchangeContext, { oidc: { client, params } }: OidcContext): void {
  if ((params.resource ?? urls.fhirBase) !== urls.fhirBase) {
    throw new errors.InvalidTarget('the resource is not this FHIR server');
  }
  const { audience = urls.fhirBase } = params;
  if (audience === urls.fhirBase || audience === client.clientId) return;
  throw new errors.InvalidTarget('the audience must be this FHIR server or the client that asks');
}

interface Subject {
  readonly id: string;
  readonly live: LiveToken;
  readonly secondsLeft: number;
}

/** RFC 8693 section 2.2.2: whatever is wrong with it is `invalid_request`. */
async function findSubject(context: ExchangeContext, token: string): Promise<Subject> {
  const claims = await verifyAccessToken(context, token);
  const live = claims && (await context.tenantDoor(context.tenantId, (trx) => findLiveToken(trx, claims.id)));
  const secondsLeft = (claims?.expiresAtSeconds ?? 0) - Math.ceil(Date.now() / 1_000);
  if (!claims || live?.account_id === undefined || live.account_id === null || secondsLeft < 1) {
    throw new errors.InvalidRequest('subject_token is no valid access token of a person');
  }
  return { id: claims.id, live, secondsLeft };
}

/** Without these scopes there is no refresh token either. */
const refreshScopes: ReadonlySet<string> = new Set(['online_access', 'offline_access']);

/** Of those asked for, or of all: what the token allows, its app may still have, and the one that asks is registered for. */
function scopeWithin({ resourceTypes }: ExchangeContext, { oidc }: OidcContext, live: LiveToken): string {
  const held = parseScopes(live.scope, resourceTypes);
  const registered = parseScopes(live.client_scope, resourceTypes);
  const asked = scopeForApp({
    ...{ asked: oidc.params.scope ?? live.scope, registered: oidc.client.registered_scope, resourceTypes },
  });
  const kept = parseScopes(asked, resourceTypes).filter(({ text, grant }) =>
    [held, registered].every((all) =>
      grant
        ? covers(
            grantsOf(all).filter(({ context }) => context !== 'system'),
            grant,
          )
        : all.some((one) => one.text === text) && !refreshScopes.has(text),
    ),
  );
  if (kept.length === 0) throw new errors.InvalidScope('none of the requested scopes can be granted');
  return textsOf(kept).join(' ');
}
