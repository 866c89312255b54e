// Apps that register themselves, where the clinic lets them: RFC 7591, https://hl7.org/fhir/smart-app-launch/app-launch.html#register-app-with-ehr

import type Koa from 'koa';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { OutboundFetch } from '../gateways/outbound-fetch.ts';
import { requireUris } from '../people/client-uris.ts';
import { type ClientProof, type ClientRegistration, insertClient, makeSecret } from '../people/clients.ts';
import type { Settings } from '../tenants/settings.ts';
import { fetchKeySet } from './client-key-set.ts';
import { readJsonRequest } from './json-request.ts';
import type { PersonContext } from './person.ts';
import { type AppMetadata, readAppMetadata } from './registration-metadata.ts';
import { networkOf, type Throttle } from './throttle.ts';

export interface RegistrationContext extends PersonContext {
  readonly settings: () => Settings | Promise<Settings>;
  readonly resourceTypes: ReadonlySet<string>;
  readonly throttle: Throttle;
  readonly fetchOutbound: OutboundFetch;
}

export async function answerRegistration(context: RegistrationContext, ctx: Koa.Context): Promise<void> {
  const settings = await context.settings();
  if (!settings['clients.dynamic-registration']) {
    return refuse(ctx, 403, 'access_denied', 'apps are registered by the clinic, not by themselves');
  }
  // Every registration counts like a failed attempt: nobody needs many a minute.
  const attempt = { client: `register ${context.tenantId} ${networkOf(ctx.ip)}`, network: networkOf(ctx.ip) };
  const waitSeconds = context.throttle.failed(attempt);
  if (waitSeconds > 0) {
    ctx.set('Retry-After', String(waitSeconds));
    return refuse(ctx, 429, 'temporarily_unavailable', 'too many registrations; wait and try again');
  }
  try {
    const metadata = readAppMetadata(await readJsonRequest(ctx), context.resourceTypes);
    await register(context, ctx, metadata);
  } catch (error) {
    if (!(error instanceof FhirError) || error.status >= 500) throw error;
    const isAboutRedirect = error.issues[0]?.expression?.[0]?.startsWith('redirectUris') ?? false;
    const code = isAboutRedirect ? 'invalid_redirect_uri' : 'invalid_client_metadata';
    refuse(ctx, error.status === 413 ? 413 : 400, code, error.message);
  }
}

async function register(context: RegistrationContext, ctx: Koa.Context, metadata: AppMetadata): Promise<void> {
  const { tenantId, tenantDoor, keyRing } = context;
  const registration = registrationOf(metadata);
  requireUris(registration);
  const { proof, clientSecret } = await proofOf(context, metadata);
  const cipher = await keyRing.cipherOf(tenantId);
  const clientId = await tenantDoor(tenantId, async (trx) => insertClient(trx, cipher, registration, proof));
  ctx.status = 201;
  ctx.body = {
    client_id: clientId,
    client_id_issued_at: Math.floor(Date.now() / 1_000),
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret, client_secret_expires_at: 0 }),
    ...metadata,
  };
}

/** A page of the app may read answers where the app itself is. */
function registrationOf(metadata: AppMetadata): ClientRegistration {
  const origins = metadata.redirect_uris.map((uri) => URL.parse(uri)?.origin ?? 'null');
  return {
    name: metadata.client_name,
    grantTypes: metadata.grant_types,
    scope: metadata.scope,
    roles: [],
    redirectUris: metadata.redirect_uris,
    origins: [...new Set(origins)].filter((origin) => origin !== 'null'),
    ...(metadata.post_logout_redirect_uris ? { postLogoutRedirectUris: metadata.post_logout_redirect_uris } : {}),
    ...(metadata.initiate_login_uri === undefined ? {} : { launchUrl: metadata.initiate_login_uri }),
    ...(metadata.logo_uri === undefined ? {} : { logoUri: metadata.logo_uri }),
    ...(metadata.client_uri === undefined ? {} : { clientUri: metadata.client_uri }),
    ...(metadata.contacts ? { contacts: metadata.contacts } : {}),
  };
}

async function proofOf(
  { fetchOutbound }: RegistrationContext,
  { token_endpoint_auth_method: method, jwks, jwks_uri: jwksUri }: AppMetadata,
): Promise<{ readonly proof: ClientProof; readonly clientSecret?: string }> {
  if (method === 'none') return { proof: { method } };
  if (method !== 'private_key_jwt') {
    const { clientSecret, secretHash } = makeSecret();
    return { proof: { method, secretHash }, clientSecret };
  }
  if (jwks) return { proof: { method, jwks } };
  // Asked once now, so that an address that will not be asked later is not registered either: security.md 64.
  try {
    await fetchKeySet(fetchOutbound, jwksUri ?? '');
  } catch {
    throw fhirError('value', 'jwks_uri must be an https URL that answers with a JWKS of public keys.', {
      expression: 'jwks_uri',
    });
  }
  return { proof: { method, jwksUri: jwksUri ?? '' } };
}

function refuse(ctx: Koa.Context, status: number, error: string, description: string): void {
  ctx.status = status;
  ctx.body = { error, error_description: description };
}
