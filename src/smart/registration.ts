// Apps that register themselves, where the clinic lets them: RFC 7591, https://hl7.org/fhir/smart-app-launch/app-launch.html#register-app-with-ehr

import type Koa from 'koa';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { OutboundFetch } from '../gateways/outbound-fetch.ts';
import { requireUris } from '../people/client-uris.ts';
import { type ClientProof, type ClientRegistration, insertClient, makeSecret } from '../people/clients.ts';
import type { GuessBound, GuessLimit } from '../people/second-factor/guess-limit.ts';
import type { Settings } from '../tenants/settings.ts';
import { fetchKeySet } from './client-key-set.ts';
import { readJsonRequest } from './json-request.ts';
import { callerOf, noteCaller } from './on-record.ts';
import type { PersonContext } from './person.ts';
import { type AppMetadata, readAppMetadata } from './registration-metadata.ts';
import { networkOf } from './throttle.ts';

export interface RegistrationContext extends PersonContext {
  readonly settings: () => Settings | Promise<Settings>;
  readonly resourceTypes: ReadonlySet<string>;
  /** By tenant and network; refused registrations count too. */
  readonly registrations: GuessLimit;
  readonly fetchOutbound: OutboundFetch;
}

/** Nobody develops more apps than that at once. */
export const registrationsOfNetwork: GuessBound = { guessesMax: 30, windowMs: 3_600_000 };

export async function answerRegistration(context: RegistrationContext, ctx: Koa.Context): Promise<void> {
  const settings = await context.settings();
  if (!settings['clients.dynamic-registration']) {
    return refuse(ctx, 403, 'access_denied', 'apps are registered by the clinic, not by themselves');
  }
  const pair = `${context.tenantId} ${networkOf(ctx.ip)}`;
  const waitSeconds = context.registrations.take(pair) || (await tenantWaitSeconds(context));
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

const perTenantAndHourMax = 100;
/** Of those that nobody has let in or taken over, which are removed when they are a month old: sweep-expired.ts. */
const perTenantMax = 5_000;

/** As many more are possible as are registered at the very same moment. */
async function tenantWaitSeconds({ tenantId, tenantDoor }: RegistrationContext): Promise<number> {
  const [row] = await tenantDoor(
    tenantId,
    (trx) =>
      trx.query<{ total: number; lately: number; wait: number | null }>({
        text: `SELECT count(*)::int AS total, count(*) FILTER (WHERE is_late)::int AS lately,
                 ceil(extract(epoch FROM min(created_at) FILTER (WHERE is_late) + interval '1 hour' - now()))::int AS wait
               FROM (SELECT created_at, created_at > now() - interval '1 hour' AS is_late
                     FROM client WHERE self_registered AND NOT EXISTS (
                       SELECT FROM app_consent AS consent WHERE consent.client_id = client.client_id)
                     ORDER BY created_at DESC LIMIT ${perTenantMax}) AS unused`,
      }),
    'read',
  );
  if (!row || (row.total < perTenantMax && row.lately < perTenantAndHourMax)) return 0;
  return row.total < perTenantMax ? Math.max(1, row.wait ?? 1) : 3_600;
}

async function register(context: RegistrationContext, ctx: Koa.Context, metadata: AppMetadata): Promise<void> {
  const { tenantId, tenantDoor, keyRing } = context;
  const registration = registrationOf(metadata);
  requireUris(registration);
  const { proof, clientSecret } = await proofOf(context, metadata);
  const cipher = await keyRing.cipherOf(tenantId);
  const clientId = await tenantDoor(tenantId, async (trx) => insertClient(trx, cipher, registration, proof));
  noteCaller(ctx, callerOf(tenantId, { ...registration, clientId }));
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
    isSelfRegistered: true,
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
