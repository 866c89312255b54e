// One tenant as an authorization server: its keys, its endpoints and the callers its tokens stand for.

import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type Koa from 'koa';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import { hasSigningKey, readSigningKeys, type SigningKey } from '../tenants/signing-key.ts';
import { type Authenticator, createAuthenticator, verifyAccessToken } from './caller.ts';
import { createEndpoints } from './endpoints.ts';
import type { OidcProvider } from './oidc-provider.ts';
import { createProvider } from './provider.ts';
import type { Throttle } from './throttle.ts';
import { issuerUrls } from './urls.ts';

export interface IssuerContext {
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly resourceTypes: ReadonlySet<string>;
  readonly throttle: Throttle;
  readonly onError: (error: unknown) => void;
}

export interface Issuer extends Authenticator {
  readonly handle: (ctx: Koa.Context) => Promise<void>;
}

/** Throws 404 for a tenant whose making is not finished: that is the last thing it gets. */
export async function openIssuer(context: IssuerContext, tenant: TenantRecord): Promise<Issuer> {
  if (!(await context.tenantDoor(tenant.id, hasSigningKey))) {
    throw fhirError('not-found', 'There is no such tenant.');
  }
  const cipher = await context.keyRing.cipherOf(tenant.id);
  const signingKeys = await context.tenantDoor(tenant.id, (trx) => readSigningKeys(trx, cipher));
  const urls = issuerUrls(context.publicUrl, tenant.name);
  const jwks = { keys: signingKeys.map(publicKey) } as JSONWebKeySet;
  const publicKeys = createLocalJWKSet(jwks);
  const shared = { ...context, tenantId: tenant.id, urls, signingKeys, publicKeys };
  let provider: OidcProvider | undefined;
  const handle = createEndpoints({
    ...shared,
    tenantName: tenant.name,
    jwks,
    provider: () => {
      provider ??= watchFailures(createProvider(shared));
      return provider;
    },
    accessTokenId: async (token) => (await verifyAccessToken(shared, token))?.id,
  });
  return { ...createAuthenticator(shared), handle };
}

/** Leaves what made oidc-provider answer `server_error` where the endpoint finds it. */
function watchFailures(provider: OidcProvider): OidcProvider {
  return provider.on('server_error', (ctx: Koa.Context, error: unknown) => {
    ctx.state.failure = error;
  }) as OidcProvider;
}

function publicKey({ kty, crv, x, y, kid, alg, use }: SigningKey) {
  return { kty, crv, x, y, kid, alg, use };
}
