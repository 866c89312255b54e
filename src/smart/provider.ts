// One tenant's oidc-provider: everything it can do is off but what is listed here (security.md 1.9).

import { recordAct } from '../people/account-acts.ts';
import type { Settings } from '../tenants/settings.ts';
import { identityAlgorithm, type SigningKey } from '../tenants/signing-key.ts';
import { insertAccessToken, insertPersonalToken } from './access-tokens.ts';
import { createAdapter } from './adapter.ts';
import { type AuthorizationContext, grantSeconds } from './authorization.ts';
import { assertionAlgorithms, checkAssertion, clockToleranceSeconds } from './client-assertion.ts';
import type { ClientKeys } from './client-key-set.ts';
import { compareClientSecret } from './client-metadata.ts';
import { clientAuthMethods } from './discovery.ts';
import { insertExchangedToken } from './exchanged-tokens.ts';
import { findLaunch } from './launches.ts';
import { narrowRefresh } from './narrow-refresh.ts';
import {
  errors,
  type JwtParts,
  type OidcClient,
  type OidcContext,
  type OidcProvider,
  type OidcToken,
  Provider,
} from './oidc-provider.ts';
import { findPerson } from './person.ts';
import { createPolicy } from './policy.ts';
import { clientTokenSeconds, personalTokenSeconds, resourceServer } from './resource-server.ts';
import { sessionSeconds } from './session-adapter.ts';
import { type ExchangeContext, registerTokenExchange } from './token-exchange.ts';
import { oauthPaths, ownPaths } from './urls.ts';

export interface ProviderContext extends AuthorizationContext, ExchangeContext {
  readonly signingKeys: readonly SigningKey[];
  readonly clientKeys: ClientKeys;
  readonly settings: () => Settings | Promise<Settings>;
  /** Signs cookies. */
  readonly cookieKey: string;
  /** Answers what went wrong before an app could be told. */
  readonly renderError: (
    ctx: OidcContext,
    out: { readonly error: string; readonly error_description?: string },
  ) => void;
}

/** Longer than the three months of (g)(10), and renewed at every use. */
const refreshTokenSeconds = 180 * 86_400;

export function createProvider(context: ProviderContext): OidcProvider {
  const { urls, signingKeys } = context;
  const provider = new Provider(urls.issuer, {
    adapter: createAdapter(context),
    jwks: { keys: signingKeys },
    routes: oauthPaths,
    features: features(context),
    responseTypes: ['code'],
    scopes: ['openid'],
    claims: { openid: ['sub', 'auth_time', 'amr'], profile: ['name'], fhirUser: ['fhirUser'] },
    clientDefaults: { id_token_signed_response_alg: identityAlgorithm },
    clientAuthMethods: ['none', ...clientAuthMethods],
    enabledJWA: { clientAuthSigningAlgValues: assertionAlgorithms },
    clockTolerance: clockToleranceSeconds,
    assertJwtClientAuthClaimsAndHeader: checkAssertion,
    // Who may read the answers in a browser is decided for all doors in one place: http/middleware/cors.ts.
    clientBasedCORS: () => false,
    extraClientMetadata: {
      properties: ['registered_scope', 'registered_roles', 'registered_logout_uris', 'previous_secret_hash'],
    },
    ttl: lifetimes(),
    formats: {
      customizers: { jwt: (ctx: OidcContext, token: OidcToken, jwt: JwtParts) => store(context, ctx, token, jwt) },
    },
    ...authorizationCodeFlow(context),
  });
  provider.Client.prototype.compareClientSecret = compareClientSecret;
  registerTokenExchange(provider, context);
  return provider;
}

function authorizationCodeFlow(context: ProviderContext) {
  const { urls, cookieKey } = context;
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure: urls.issuer.startsWith('https:') } as const;
  return {
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    extraParams: {
      aud: (_ctx: OidcContext, aud: string | undefined) => requireAudience(urls.fhirBase, aud),
      launch: (ctx: OidcContext, launch: string | undefined) => requireLaunch(context, ctx, launch),
    },
    cookies: {
      keys: [cookieKey],
      names: { session: 'hpms_session', interaction: 'hpms_interaction', resume: 'hpms_resume' },
      long: { ...cookie, path: urls.basePath },
      short: cookie,
    },
    interactions: {
      policy: createPolicy(context),
      url: (_ctx: OidcContext, { uid }: { readonly uid: string }) => `${urls.basePath}${ownPaths.interaction}/${uid}`,
    },
    findAccount: (_ctx: OidcContext, accountId: string) => findPerson(context, accountId),
    // Every time an app is let in is a grant of its own, made by the policy.
    loadExistingGrant: () => undefined,
    issueRefreshToken: (_ctx: OidcContext, client: OidcClient, { scope = '' }: OidcToken) =>
      client.grantTypeAllowed('refresh_token') && /(^| )o(?:ff|n)line_access( |$)/.test(scope),
    rotateRefreshToken(ctx: OidcContext) {
      narrowRefresh(context.resourceTypes, ctx);
      return true;
    },
    // What ends with a session is in our own rows, for a session may have let in one app more than once.
    expiresWithSession: () => false,
    renderError: context.renderError,
  };
}

function lifetimes() {
  return {
    ClientCredentials: clientTokenSeconds,
    AccessToken: personalTokenSeconds,
    AuthorizationCode: 60,
    Interaction: 3_600,
    Session: sessionSeconds,
    Grant: grantSeconds,
    IdToken: 3_600,
    RefreshToken: (_ctx: OidcContext, { scope = '' }: OidcToken) =>
      scope.split(' ').includes('offline_access') ? refreshTokenSeconds : sessionSeconds,
  };
}

function features(context: ProviderContext) {
  return {
    clientCredentials: { enabled: true },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx: OidcContext, client: OidcClient, token: OidcToken) => token.clientId === client.clientId,
    },
    revocation: { enabled: true, allowedPolicy: requireOwnToken },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => context.urls.fhirBase,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx: OidcContext, resource: string, client: OidcClient) =>
        resourceServer(context, ctx, resource, client),
    },
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    userinfo: { enabled: false },
  };
}

/** RFC 7009 section 2.1: another client's token is refused and the client is told so. */
function requireOwnToken(_ctx: OidcContext, client: OidcClient, token: OidcToken): boolean {
  if (token.clientId === client.clientId) return true;
  throw new errors.InvalidRequest('client is not authorized to revoke the presented token');
}

/** A token for this server must not be asked for by an app that believes to be at another: security.md 54. */
function requireAudience(fhirBase: string, aud: string | undefined): void {
  if (aud !== fhirBase) throw new errors.InvalidRequest('aud must be the base URL of this FHIR server');
}

async function requireLaunch(context: ProviderContext, ctx: OidcContext, launch: string | undefined): Promise<void> {
  if (launch === undefined) return;
  const { clientId } = ctx.oidc.client;
  if (!ctx.oidc.params.scope?.split(' ').includes('launch')) {
    throw new errors.InvalidScope('the parameter launch needs the scope launch');
  }
  const found = await context.tenantDoor(context.tenantId, (trx) =>
    findLaunch(trx, launch, { clientId, isBrought: true }),
  );
  if (!found) throw new errors.InvalidRequest('launch is unknown, used, expired or not for this person and app');
}

/** Runs before the JWT is signed, so no token leaves without its row. */
async function store(
  { tenantId, tenantDoor }: ProviderContext,
  { oidc }: OidcContext,
  { kind, clientId, scope = '', grantId }: OidcToken,
  { payload }: JwtParts,
): Promise<void> {
  const token = { id: payload.jti, kind, clientId, scope, issuedAt: payload.iat, expiresAt: payload.exp };
  const { jti: subjectId, accountId } = oidc.entities.SubjectToken ?? {};
  await tenantDoor(tenantId, async (trx) => {
    if (accountId !== undefined) recordAct(trx, 'access-passed-on', accountId);
    if (subjectId !== undefined) return insertExchangedToken(trx, token, subjectId);
    grantId === undefined ? insertAccessToken(trx, token) : insertPersonalToken(trx, { ...token, grantId });
  });
}
