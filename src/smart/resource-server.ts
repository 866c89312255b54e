// The FHIR API as oidc-provider's only resource server; here the scopes asked for become the scopes that can be granted.

import { signingAlgorithm } from '../tenants/signing-key.ts';
import { scopeForApp, scopeForClient } from './grantable.ts';
import { errors, type OidcClient, type OidcContext } from './oidc-provider.ts';
import type { IssuerUrls } from './urls.ts';

/** SMART Backend Services: an access token lives 5 minutes at most. */
export const clientTokenSeconds = 300;
/** Of a person: it ends with the session, the grant or the account, whatever is left of it. */
export const personalTokenSeconds = 3_600;

export interface ResourceServerContext {
  readonly urls: IssuerUrls;
  readonly resourceTypes: ReadonlySet<string>;
}

export function resourceServer(context: ResourceServerContext, ctx: OidcContext, resource: string, client: OidcClient) {
  const { fhirBase } = context.urls;
  if (resource !== fhirBase) throw new errors.InvalidTarget('the resource is not this FHIR server');
  const isForClient = ctx.oidc.params.grant_type === 'client_credentials';
  return {
    scope: scopeOf(context, ctx, client),
    audience: fhirBase,
    accessTokenTTL: isForClient ? clientTokenSeconds : personalTokenSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: signingAlgorithm } },
  };
}

function scopeOf({ resourceTypes }: ResourceServerContext, ctx: OidcContext, client: OidcClient): string {
  const { params, route, entities } = ctx.oidc;
  const registration = { registered: client.registered_scope, resourceTypes };
  if (route === 'authorization') {
    // As it was sent: oidc-provider has dropped offline_access, which SMART apps ask for without prompt=consent.
    const asked = typeof ctx.query.scope === 'string' ? ctx.query.scope : undefined;
    const isForRefresh = client.grantTypeAllowed('refresh_token');
    params.scope = withoutRefresh(scopeForApp({ ...registration, asked }), isForRefresh);
    return params.scope;
  }
  if (route === 'resume') return params.scope ?? '';
  if (params.grant_type === 'client_credentials') {
    const scope = scopeForClient({ ...registration, asked: params.scope, roles: client.registered_roles });
    // What is not granted is dropped here, because oidc-provider reads the request's scopes once more afterwards.
    params.scope = scope;
    return scope;
  }
  // Of the code or the refresh token, as far as the client is still registered for it.
  const source = entities.AuthorizationCode ?? entities.RefreshToken;
  return scopeForApp({ ...registration, asked: source?.scope });
}

function withoutRefresh(scope: string, isForRefresh: boolean): string {
  if (isForRefresh) return scope;
  return scope
    .split(' ')
    .filter((one) => one !== 'offline_access' && one !== 'online_access')
    .join(' ');
}
