// A clinic's API clients, what they may ask for and how they prove who they are: RFC 7591 section 2 has the words.

import { createHash, type JsonWebKey, randomBytes, randomUUID } from 'node:crypto';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { requirePublicKeys } from './client-keys.ts';
import { requireRoles } from './roles.ts';

export type AuthMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

export interface ClientRegistration {
  /** For people; encrypted at rest. */
  readonly name: string;
  readonly grantTypes: readonly string[];
  /** SMART scopes, separated by spaces: the most the client can be granted. */
  readonly scope: string;
  readonly roles: readonly string[];
  /** Who "own" is for this client, such as `Practitioner/1`. */
  readonly fhirUser?: string;
  readonly redirectUris?: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  /** Of its pages, which may read answers in a browser. */
  readonly origins?: readonly string[];
  readonly launchUrl?: string;
  readonly logoUri?: string;
  readonly clientUri?: string;
  /** Addresses of those responsible; encrypted at rest. */
  readonly contacts?: readonly string[];
  /** By itself, and not changed by the clinic since: swept when nobody uses it. */
  readonly isSelfRegistered?: true;
}

export interface JsonWebKeySet {
  readonly keys: readonly JsonWebKey[];
}

type Lists = 'redirectUris' | 'postLogoutRedirectUris' | 'origins' | 'contacts';

export interface Client extends Omit<ClientRegistration, Lists>, Required<Pick<ClientRegistration, Lists>> {
  readonly clientId: string;
  readonly active: boolean;
  readonly tokenEndpointAuthMethod: AuthMethod;
  /** SHA-256 of the secret of `client_secret_*`. */
  readonly secretHash: Buffer | undefined;
  /** Of the secret before the last rotation, as long as that one is good too. */
  readonly previousSecretHash: Buffer | undefined;
  readonly previousSecretEndsAt: Date | undefined;
  /** The public keys of `private_key_jwt`, or where they are. */
  readonly jwks: JsonWebKeySet | undefined;
  readonly jwksUri: string | undefined;
  readonly createdAt: Date;
}

export interface ClientCredentials {
  readonly clientId: string;
  /** Shown this once: only its hash is stored. */
  readonly clientSecret: string;
}

/** What a client proves itself with; a public one has nothing to prove itself with. */
export type ClientProof =
  | { readonly method: 'none' }
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secretHash: Buffer }
  | { readonly method: 'private_key_jwt'; readonly jwks: JsonWebKeySet }
  | { readonly method: 'private_key_jwt'; readonly jwksUri: string };

/** A client that authenticates with a secret the server makes. Its roles are system roles. */
export function createClient(
  trx: TenantTransaction,
  cipher: TenantCipher,
  registration: ClientRegistration,
): ClientCredentials {
  requireRoles(registration.roles);
  const { clientSecret, secretHash } = makeSecret();
  const clientId = insertClient(trx, cipher, registration, { method: 'client_secret_basic', secretHash });
  return { clientId, clientSecret };
}

/** A client that authenticates with its own keys: https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html */
export function createClientWithKeys(
  trx: TenantTransaction,
  cipher: TenantCipher,
  registration: ClientRegistration,
  jwks: JsonWebKeySet,
): { readonly clientId: string } {
  requireRoles(registration.roles);
  requirePublicKeys(jwks);
  return { clientId: insertClient(trx, cipher, registration, { method: 'private_key_jwt', jwks }) };
}

export function makeSecret(): { readonly clientSecret: string; readonly secretHash: Buffer } {
  const clientSecret = randomBytes(32).toString('base64url');
  return { clientSecret, secretHash: hashSecret(clientSecret) };
}

/** SHA-256 is right for a random secret of 256 bits: nobody can guess it, so nothing slow like Argon2 is needed. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** What it is given was checked before. */
export function insertClient(
  trx: TenantTransaction,
  cipher: TenantCipher,
  registration: ClientRegistration,
  proof: ClientProof,
): string {
  // Random, not a UUIDv7: it is also the id of the Device that stands for the client in AuditEvents, and says nothing else.
  const clientId = randomUUID();
  const values = {
    client_id: clientId,
    ...registrationColumns(cipher, clientId, registration),
    token_endpoint_auth_method: proof.method,
    secret_hash: 'secretHash' in proof ? proof.secretHash : null,
    jwks: 'jwks' in proof ? JSON.stringify(proof.jwks) : null,
    jwks_uri: 'jwksUri' in proof ? proof.jwksUri : null,
  };
  const names = Object.keys(values);
  trx.execute({
    text: `INSERT INTO client (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    values: Object.values(values),
  });
  return clientId;
}

/** What a registration says, by column. */
export function registrationColumns(cipher: TenantCipher, clientId: string, registration: ClientRegistration) {
  const { contacts = [] } = registration;
  const sealed = (text: string, column: string) => cipher.seal(Buffer.from(text), sealContext(clientId, column));
  return {
    name: sealed(registration.name, 'name'),
    grant_types: registration.grantTypes,
    scope: registration.scope,
    roles: registration.roles,
    fhir_user: registration.fhirUser ?? null,
    redirect_uris: registration.redirectUris ?? [],
    post_logout_redirect_uris: registration.postLogoutRedirectUris ?? [],
    origins: registration.origins ?? [],
    launch_url: registration.launchUrl ?? null,
    logo_uri: registration.logoUri ?? null,
    client_uri: registration.clientUri ?? null,
    contacts: contacts.length === 0 ? null : sealed(JSON.stringify(contacts), 'contacts'),
    self_registered: registration.isSelfRegistered ?? false,
  };
}

const columns = `client_id, name, secret_hash, jwks, grant_types, scope, roles, fhir_user, active, created_at,
  token_endpoint_auth_method, redirect_uris, post_logout_redirect_uris, origins, launch_url, logo_uri, client_uri,
  jwks_uri, contacts, CASE WHEN previous_secret_ends_at > now() THEN previous_secret_hash END AS previous_secret_hash,
  previous_secret_ends_at`;

export async function findClient(
  trx: TenantTransaction,
  cipher: TenantCipher,
  clientId: string,
): Promise<Client | undefined> {
  // Anybody may name one, and PostgreSQL takes no text with NUL.
  if (clientId.includes('\0')) return undefined;
  const rows = await trx.query<ClientRow>({
    name: 'read-client',
    text: `SELECT ${columns} FROM client WHERE client_id = $1`,
    values: [clientId],
  });
  return rows[0] && toClient(rows[0], cipher);
}

/** In the order they were registered, from behind the client `after`. */
export async function listClients(
  trx: TenantTransaction,
  cipher: TenantCipher,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<Client[]> {
  const rows = await trx.query<ClientRow>({
    text: `SELECT ${columns} FROM client
           WHERE $1::text IS NULL
             OR (created_at, client_id) > (SELECT created_at, client_id FROM client WHERE client_id = $1)
           ORDER BY created_at, client_id LIMIT $2`,
    values: [after ?? null, limit],
  });
  return rows.map((row) => toClient(row, cipher));
}

/** Its tokens die with it, at the next request; false when there is no such client or it is disabled already. */
export async function disableClient(trx: TenantTransaction, clientId: string): Promise<boolean> {
  const rows = await trx.query({
    text: 'UPDATE client SET active = false WHERE client_id = $1 AND active RETURNING client_id',
    values: [clientId],
  });
  return rows.length > 0;
}

/** The client's name from its encrypted column. */
export function openClientName(cipher: TenantCipher, clientId: string, name: Buffer): string {
  return cipher.open(name, sealContext(clientId, 'name')).toString();
}

interface ClientRow {
  readonly client_id: string;
  readonly name: Buffer;
  readonly secret_hash: Buffer | null;
  readonly previous_secret_hash: Buffer | null;
  readonly previous_secret_ends_at: Date | null;
  readonly jwks: JsonWebKeySet | null;
  readonly jwks_uri: string | null;
  readonly token_endpoint_auth_method: AuthMethod;
  readonly grant_types: string[];
  readonly scope: string;
  readonly roles: string[];
  readonly fhir_user: string | null;
  readonly redirect_uris: string[];
  readonly post_logout_redirect_uris: string[];
  readonly origins: string[];
  readonly launch_url: string | null;
  readonly logo_uri: string | null;
  readonly client_uri: string | null;
  readonly contacts: Buffer | null;
  readonly active: boolean;
  readonly created_at: Date;
}

function toClient(row: ClientRow, cipher: TenantCipher): Client {
  const { client_id: clientId, contacts } = row;
  return {
    clientId,
    name: openClientName(cipher, clientId, row.name),
    tokenEndpointAuthMethod: row.token_endpoint_auth_method,
    secretHash: row.secret_hash ?? undefined,
    previousSecretHash: row.previous_secret_hash ?? undefined,
    previousSecretEndsAt: row.previous_secret_ends_at ?? undefined,
    jwks: row.jwks ?? undefined,
    jwksUri: row.jwks_uri ?? undefined,
    grantTypes: row.grant_types,
    scope: row.scope,
    roles: row.roles,
    redirectUris: row.redirect_uris,
    postLogoutRedirectUris: row.post_logout_redirect_uris,
    origins: row.origins,
    contacts: contacts ? JSON.parse(cipher.open(contacts, sealContext(clientId, 'contacts')).toString()) : [],
    ...(row.fhir_user === null ? {} : { fhirUser: row.fhir_user }),
    ...(row.launch_url === null ? {} : { launchUrl: row.launch_url }),
    ...(row.logo_uri === null ? {} : { logoUri: row.logo_uri }),
    ...(row.client_uri === null ? {} : { clientUri: row.client_uri }),
    active: row.active,
    createdAt: row.created_at,
  };
}

function sealContext(clientId: string, column: string): string {
  return `client|${clientId}|${column}`;
}

export const clientColumns = ['name', 'contacts'].map(
  (column): SealedColumn => ({
    ...{ table: 'client', column, key: [{ name: 'client_id', type: 'text' }] },
    contextOf: ([clientId = '']) => sealContext(clientId, column),
  }),
);
