// One tenant as an authorization server: its keys, its endpoints and the callers its tokens stand for.

import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type Koa from 'koa';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantDoor } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { OutboundFetch } from '../gateways/outbound-fetch.ts';
import type { GuessLimit } from '../people/second-factor/guess-limit.ts';
import type { SecondFactors } from '../people/second-factor/second-factors.ts';
import type { TenantRecord } from '../tenants/registry.ts';
import type { SettingsReader } from '../tenants/settings.ts';
import {
  createIdentityKey,
  identityAlgorithm,
  readSigningKeys,
  type SigningKey,
  signingAlgorithms,
} from '../tenants/signing-key.ts';
import type { AnswerAccount } from './account/account-pages.ts';
import { type Authenticator, createAuthenticator, verifyAccessToken } from './caller.ts';
import type { ClientKeys } from './client-key-set.ts';
import { createEndpoints } from './endpoints.ts';
import { sendError } from './interactions/page.ts';
import { upstreamLinks } from './interactions/upstream.ts';
import type { OidcContext, OidcProvider } from './oidc-provider.ts';
import { noteRefusal } from './on-record.ts';
import type { PatientDirectory } from './patient-directory.ts';
import { createProvider } from './provider.ts';
import type { Throttle } from './throttle.ts';
import { type IssuerUrls, issuerUrls, oauthPaths, ownPaths } from './urls.ts';

export interface IssuerContext {
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly tenantDoor: TenantDoor;
  readonly keyRing: KeyRing;
  readonly resourceTypes: ReadonlySet<string>;
  readonly settings: SettingsReader;
  readonly throttle: Throttle;
  readonly registrations: GuessLimit;
  readonly secondFactors: SecondFactors;
  readonly patients: PatientDirectory;
  readonly fetchOutbound: OutboundFetch;
  readonly clientKeys: ClientKeys;
  readonly answerAccount: AnswerAccount;
  readonly onError: (error: unknown) => void;
}

export interface Issuer extends Authenticator {
  readonly handle: (ctx: Koa.Context) => Promise<void>;
}

/** Throws 404 for a tenant whose making is not finished: that is the last thing it gets. */
export async function openIssuer(context: IssuerContext, tenant: TenantRecord): Promise<Issuer> {
  const algorithms = await context.tenantDoor(tenant.id, signingAlgorithms);
  if (algorithms.length === 0) throw fhirError('not-found', 'There is no such tenant.');
  const cipher = await context.keyRing.cipherOf(tenant.id);
  if (!algorithms.includes(identityAlgorithm)) await createIdentityKey(context.tenantDoor, tenant.id, cipher);
  const signingKeys = await context.tenantDoor(tenant.id, (trx) => readSigningKeys(trx, cipher));
  const urls = issuerUrls(context.publicUrl, tenant.name);
  const jwks = { keys: signingKeys.map(publicKey) } as JSONWebKeySet;
  const shared = {
    ...{ ...context, tenant, tenantId: tenant.id, tenantName: tenant.name, tenantDisplay: tenant.display },
    ...{ urls, signingKeys, jwks, publicKeys: createLocalJWKSet(jwks) },
    cookieKey: cookieKeyOf(cipher),
    settings: () => context.settings.of(tenant.id),
  };
  let provider: OidcProvider | undefined;
  const authenticator = createAuthenticator(shared);
  const handle = createEndpoints({
    ...shared,
    provider: () => {
      provider ??= watchFailures(
        createProvider({ ...shared, renderError: errorPage({ urls, tenantDisplay: tenant.display }) }),
      );
      return provider;
    },
    accessTokenId: async (token) => (await verifyAccessToken(shared, token))?.id,
    authenticate: authenticator.authenticate,
    signInLinks: (uid) => upstreamLinks(shared, uid),
    resetHref: `${urls.basePath}${ownPaths.account}/forgot`,
  });
  return {
    ...authenticator,
    async handle(ctx) {
      await handle(ctx);
      noteRefusal(ctx);
      const token = ctx.path === `/t/${tenant.name}${oauthPaths.token}` ? issuedIn(ctx.body) : undefined;
      if (token !== undefined) void authenticator.issued(token);
    },
  };
}

/** Undefined where a request for a token was refused. */
function issuedIn(body: unknown): string | undefined {
  const { access_token: token } = (body ?? {}) as { readonly access_token?: unknown };
  return typeof token === 'string' ? token : undefined;
}

interface OAuthError {
  readonly error: string;
  readonly error_description?: string;
}

/** For what must not be told to the address in the request, because that may be nobody's; left for people-on-record.ts as well. */
function errorPage(source: { readonly urls: IssuerUrls; readonly tenantDisplay: string }) {
  return (ctx: OidcContext, { error, error_description: description = '' }: OAuthError) => {
    ctx.state.refusal = error;
    const text = `The app has asked in a way that cannot be answered (${error}${description && `: ${description}`}).`;
    sendError(source, ctx, ctx.status, text);
  };
}

/** Cookies are signed with it; 256 bits that only the tenant's index key gives. */
function cookieKeyOf(cipher: TenantCipher): string {
  const parts = [0, 1, 2, 3].map((part) => BigInt.asUintN(64, cipher.fixedTokenOf(`smart.cookie-key|${part}`)));
  return parts.map((part) => part.toString(16).padStart(16, '0')).join('');
}

/** Leaves what made oidc-provider answer `server_error` where the endpoint finds it. */
function watchFailures(provider: OidcProvider): OidcProvider {
  return provider.on('server_error', (ctx: Koa.Context, error: unknown) => {
    ctx.state.failure = error;
  }) as OidcProvider;
}

function publicKey({ kty, crv, x, y, n, e, kid, alg, use }: SigningKey) {
  return kty === 'RSA' ? { kty, n, e, kid, alg, use } : { kty, crv, x, y, kid, alg, use };
}
