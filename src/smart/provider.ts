// One tenant's oidc-provider: everything it can do is off but what is listed here (security.md 1.9).

import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import { type SigningKey, signingAlgorithm } from '../tenants/signing-key.ts';
import { insertAccessToken } from './access-tokens.ts';
import { createAdapter } from './adapter.ts';
import { assertionAlgorithms, checkAssertion, clockToleranceSeconds } from './client-assertion.ts';
import { compareClientSecret } from './client-metadata.ts';
import { clientAuthMethods } from './discovery.ts';
import {
  errors,
  type JwtParts,
  type OidcClient,
  type OidcContext,
  type OidcProvider,
  type OidcToken,
  Provider,
} from './oidc-provider.ts';
import { grantedScopes, MalformedScope, parseScopes } from './scopes.ts';
import { type IssuerUrls, oauthPaths } from './urls.ts';

export interface ProviderContext {
  readonly tenantId: number;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly urls: IssuerUrls;
  readonly signingKeys: readonly SigningKey[];
  readonly resourceTypes: ReadonlySet<string>;
}

/** SMART Backend Services: an access token lives 5 minutes at most. */
const accessTokenSeconds = 300;

export function createProvider(context: ProviderContext): OidcProvider {
  const { tenantId, tenantDoor, keyRing, urls, signingKeys } = context;
  const provider = new Provider(urls.issuer, {
    adapter: createAdapter({ tenantId, tenantDoor, keyRing, fhirBaseUrl: urls.fhirBase }),
    jwks: { keys: signingKeys },
    routes: oauthPaths,
    features: features(context),
    responseTypes: [],
    scopes: [],
    clientDefaults: { id_token_signed_response_alg: signingAlgorithm },
    clientAuthMethods,
    enabledJWA: { clientAuthSigningAlgValues: assertionAlgorithms },
    clockTolerance: clockToleranceSeconds,
    assertJwtClientAuthClaimsAndHeader: checkAssertion,
    // No client has registered an origin: browsers may not read these answers.
    clientBasedCORS: () => false,
    extraClientMetadata: { properties: ['registered_scope'] },
    ttl: { ClientCredentials: accessTokenSeconds },
    formats: {
      customizers: { jwt: (_ctx: OidcContext, token: OidcToken, jwt: JwtParts) => store(context, token, jwt) },
    },
  });
  provider.Client.prototype.compareClientSecret = compareClientSecret;
  return provider;
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

/** The FHIR API is the only resource there is; here the scopes asked for become the scopes granted. */
function resourceServer(context: ProviderContext, ctx: OidcContext, resource: string, client: OidcClient) {
  if (resource !== context.urls.fhirBase) throw new errors.InvalidTarget('the resource is not this FHIR server');
  const scope = grantScope(ctx.oidc.params.scope, client.registered_scope, context.resourceTypes);
  // What is not granted is dropped here, because oidc-provider reads the request's scopes once more afterwards.
  ctx.oidc.params.scope = scope;
  return {
    scope,
    audience: context.urls.fhirBase,
    accessTokenTTL: accessTokenSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: signingAlgorithm } },
  };
}

function grantScope(asked: string | undefined, registered: string, resourceTypes: ReadonlySet<string>): string {
  const all = parseScopes(registered, resourceTypes).filter(({ grant }) => grant?.context === 'system');
  const granted = grantedScopes(asked === undefined ? all : parseAsked(asked, resourceTypes), all);
  if (granted.length === 0) throw new errors.InvalidScope('none of the requested scopes can be granted to this client');
  return granted.map(({ text }) => text).join(' ');
}

function parseAsked(asked: string, resourceTypes: ReadonlySet<string>) {
  try {
    return parseScopes(asked, resourceTypes);
  } catch (error) {
    if (error instanceof MalformedScope) throw new errors.InvalidScope(error.message);
    throw error;
  }
}

/** Runs before the JWT is signed, so no token leaves without its row. */
async function store(
  { tenantId, tenantDoor }: ProviderContext,
  token: OidcToken,
  { payload }: JwtParts,
): Promise<void> {
  await tenantDoor(tenantId, async (trx) =>
    insertAccessToken(trx, {
      id: payload.jti,
      kind: token.kind,
      clientId: token.clientId,
      scope: token.scope ?? '',
      issuedAt: payload.iat,
      expiresAt: payload.exp,
    }),
  );
}
