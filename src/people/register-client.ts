// An administrator's work on API clients: registering, changing, new secrets (RFC 7591 section 2 has the words).

import type { JsonWebKey } from 'node:crypto';
import { fhirError } from '../fhir/outcome.ts';
import type { Session } from '../repository/session.ts';
import { requirePublicKeys } from './client-keys.ts';
import { requireUris } from './client-uris.ts';
import {
  type AuthMethod,
  type Client,
  type ClientProof,
  type ClientRegistration,
  findClient,
  insertClient,
  makeSecret,
  registrationColumns,
} from './clients.ts';
import { requireKnownRoles } from './custom-roles.ts';
import { requireManageable } from './reserved-rights.ts';

export interface NewClient extends ClientRegistration {
  readonly tokenEndpointAuthMethod?: AuthMethod;
  readonly jwks?: { readonly keys: readonly JsonWebKey[] };
  readonly jwksUri?: string;
}

export interface RegisteredClient {
  readonly client: Client;
  /** Shown this once; absent for a public client and for one with keys. */
  readonly clientSecret?: string;
}

export async function registerClient(session: Session, registration: NewClient): Promise<RegisteredClient> {
  const { trx, cipher } = session;
  const { proof, clientSecret } = proofOf(registration);
  await requireSound(session, registration, proof.method);
  const clientId = insertClient(trx, cipher, registration, proof);
  const client = (await findClient(trx, cipher, clientId)) as Client;
  return { client, ...(clientSecret === undefined ? {} : { clientSecret }) };
}

export type ClientChange = Partial<ClientRegistration> &
  Pick<NewClient, 'jwks' | 'jwksUri'> & { readonly active?: boolean };

/** Undefined where there is none. A member that is undefined takes the registered one away. */
export async function changeClient(
  session: Session,
  clientId: string,
  change: { readonly [Name in keyof ClientChange]?: ClientChange[Name] | undefined },
): Promise<Client | undefined> {
  const { trx, cipher } = session;
  const before = await findManageable(session, clientId);
  if (!before) return undefined;
  const after = { ...before, ...change } as Client;
  await requireSound(session, after, before.tokenEndpointAuthMethod);
  requireKeys(change, before.tokenEndpointAuthMethod);
  const hasKeys = change.jwks !== undefined || change.jwksUri !== undefined;
  const values = {
    ...registrationColumns(cipher, clientId, after),
    active: after.active,
    ...(hasKeys && { jwks: change.jwks ? JSON.stringify(change.jwks) : null, jwks_uri: change.jwksUri ?? null }),
  };
  const assignments = Object.keys(values).map((name, index) => `${name} = $${index + 2}`);
  trx.execute({
    text: `UPDATE client SET ${assignments.join(', ')} WHERE client_id = $1`,
    values: [clientId, ...Object.values(values)],
  });
  return await findClient(trx, cipher, clientId);
}

export interface RotatedSecret {
  readonly clientSecret: string;
  /** Absent when the one before is worth nothing from now on. */
  readonly previousSecretEndsAt?: Date;
}

/** Undefined where there is no such client. Throws 409 for one without a secret. */
export async function rotateSecret(
  session: Session,
  clientId: string,
  overlapSeconds: number,
): Promise<RotatedSecret | undefined> {
  const client = await findManageable(session, clientId);
  if (!client) return undefined;
  if (!client.secretHash) throw fhirError('conflict', 'This client has no secret: it has keys, or it is public.');
  const { clientSecret, secretHash } = makeSecret();
  const [row] = await session.trx.query<{ ends: Date | null }>({
    text: `UPDATE client SET secret_hash = $2,
             previous_secret_hash = CASE WHEN $3 > 0 THEN secret_hash END,
             previous_secret_ends_at = CASE WHEN $3 > 0 THEN now() + make_interval(secs => $3) END
           WHERE client_id = $1 RETURNING previous_secret_ends_at AS ends`,
    values: [clientId, secretHash, overlapSeconds],
  });
  return { clientSecret, ...(row?.ends ? { previousSecretEndsAt: row.ends } : {}) };
}

/** Throws 403 for a client with rights that the caller cannot give. */
export async function findManageable(session: Session, clientId: string): Promise<Client | undefined> {
  const client = await findClient(session.trx, session.cipher, clientId);
  if (client) await requireManageable(session.trx, session.caller, client.roles);
  return client;
}

async function requireSound(
  { trx, caller }: Session,
  registration: ClientRegistration,
  method: AuthMethod,
): Promise<void> {
  const { grantTypes, roles, redirectUris = [] } = registration;
  await requireKnownRoles(trx, roles);
  await requireManageable(trx, caller, roles);
  requireUris(registration);
  const refuse = (diagnostics: string, expression: string) => fhirError('business-rule', diagnostics, { expression });
  if (grantTypes.includes('authorization_code') && redirectUris.length === 0) {
    throw refuse('The grant type authorization_code needs redirectUris.', 'redirectUris');
  }
  if (method === 'none' && grantTypes.includes('client_credentials')) {
    throw refuse('A public client cannot act for itself: client_credentials needs a secret or keys.', 'grantTypes');
  }
  if (grantTypes.includes('refresh_token') && !grantTypes.includes('authorization_code')) {
    throw refuse('The grant type refresh_token comes with authorization_code.', 'grantTypes');
  }
}

interface Keys {
  readonly jwks?: NewClient['jwks'] | undefined;
  readonly jwksUri?: string | undefined;
}

function proofOf(registration: NewClient): { readonly proof: ClientProof; readonly clientSecret?: string } {
  const { jwks, jwksUri } = registration;
  const hasKeys = jwks !== undefined || jwksUri !== undefined;
  const { tokenEndpointAuthMethod: method = hasKeys ? 'private_key_jwt' : 'client_secret_basic' } = registration;
  requireKeys(registration, method);
  if (method === 'private_key_jwt') {
    if (jwks) return { proof: { method, jwks } };
    if (jwksUri !== undefined) return { proof: { method, jwksUri } };
    throw fhirError('required', 'private_key_jwt needs the public keys, as jwks or jwksUri.', { expression: 'jwks' });
  }
  if (method === 'none') return { proof: { method } };
  const { clientSecret, secretHash } = makeSecret();
  return { proof: { method, secretHash }, clientSecret };
}

function requireKeys({ jwks, jwksUri }: Keys, method: AuthMethod): void {
  if (jwks === undefined && jwksUri === undefined) return;
  if (method !== 'private_key_jwt') {
    throw fhirError('business-rule', 'Keys are for clients of private_key_jwt.', { expression: 'jwks' });
  }
  if (jwks !== undefined && jwksUri !== undefined) {
    throw fhirError('business-rule', 'Give the keys themselves or where they are, not both.', {
      expression: 'jwksUri',
    });
  }
  if (jwks) requirePublicKeys(jwks);
  if (jwksUri !== undefined && URL.parse(jwksUri)?.protocol !== 'https:') {
    throw fhirError('value', 'jwksUri is an https URL.', { expression: 'jwksUri' });
  }
}
