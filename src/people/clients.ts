// A clinic's API clients, what they may ask for and how they prove who they are: RFC 7591 section 2 has the words.

import { createHash, type JsonWebKey, randomBytes, randomUUID } from 'node:crypto';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { requireRoles } from './roles.ts';

export interface ClientRegistration {
  /** For people; encrypted at rest. */
  readonly name: string;
  readonly grantTypes: readonly string[];
  /** SMART scopes, separated by spaces: the most the client can be granted. */
  readonly scope: string;
  readonly roles: readonly string[];
  /** Who "own" is for this client, such as `Practitioner/1`. */
  readonly fhirUser?: string;
}

export interface JsonWebKeySet {
  readonly keys: readonly JsonWebKey[];
}

export interface Client extends ClientRegistration {
  readonly clientId: string;
  readonly active: boolean;
  /** Exactly one of the two: SHA-256 of the secret, or the public keys of `private_key_jwt`. */
  readonly secretHash: Buffer | undefined;
  readonly jwks: JsonWebKeySet | undefined;
}

export interface ClientCredentials {
  readonly clientId: string;
  /** Shown this once: only its hash is stored. */
  readonly clientSecret: string;
}

/** A client that authenticates with a secret the server makes. */
export function createClient(
  trx: TenantTransaction,
  cipher: TenantCipher,
  registration: ClientRegistration,
): ClientCredentials {
  const clientSecret = randomBytes(32).toString('base64url');
  const clientId = insertClient(trx, cipher, registration, { secretHash: hashSecret(clientSecret) });
  return { clientId, clientSecret };
}

/** A client that authenticates with its own keys: https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html */
export function createClientWithKeys(
  trx: TenantTransaction,
  cipher: TenantCipher,
  registration: ClientRegistration,
  jwks: JsonWebKeySet,
): { readonly clientId: string } {
  requirePublicKeys(jwks);
  return { clientId: insertClient(trx, cipher, registration, { jwks }) };
}

/** SHA-256 is right for a random secret of 256 bits: nobody can guess it, so nothing slow like Argon2 is needed. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function insertClient(
  trx: TenantTransaction,
  cipher: TenantCipher,
  registration: ClientRegistration,
  proof: { readonly secretHash?: Buffer; readonly jwks?: JsonWebKeySet },
): string {
  requireRoles(registration.roles);
  // Random, not a UUIDv7: it is also the id of the Device that stands for the client in AuditEvents, and says nothing else.
  const clientId = randomUUID();
  trx.execute({
    text: `INSERT INTO client (client_id, name, secret_hash, jwks, grant_types, scope, roles, fhir_user)
           VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8)`,
    values: [
      clientId,
      cipher.seal(Buffer.from(registration.name), nameContext(clientId)),
      proof.secretHash ?? null,
      proof.jwks ? JSON.stringify(proof.jwks) : null,
      registration.grantTypes,
      registration.scope,
      registration.roles,
      registration.fhirUser ?? null,
    ],
  });
  return clientId;
}

export async function findClient(
  trx: TenantTransaction,
  cipher: TenantCipher,
  clientId: string,
): Promise<Client | undefined> {
  const rows = await trx.query<ClientRow>({
    name: 'read-client',
    text: `SELECT client_id, name, secret_hash, jwks, grant_types, scope, roles, fhir_user, active
           FROM client WHERE client_id = $1`,
    values: [clientId],
  });
  return rows[0] && toClient(rows[0], cipher);
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
  return cipher.open(name, nameContext(clientId)).toString();
}

interface ClientRow {
  readonly client_id: string;
  readonly name: Buffer;
  readonly secret_hash: Buffer | null;
  readonly jwks: JsonWebKeySet | null;
  readonly grant_types: string[];
  readonly scope: string;
  readonly roles: string[];
  readonly fhir_user: string | null;
  readonly active: boolean;
}

function toClient(row: ClientRow, cipher: TenantCipher): Client {
  return {
    clientId: row.client_id,
    name: openClientName(cipher, row.client_id, row.name),
    secretHash: row.secret_hash ?? undefined,
    jwks: row.jwks ?? undefined,
    grantTypes: row.grant_types,
    scope: row.scope,
    roles: row.roles,
    ...(row.fhir_user === null ? {} : { fhirUser: row.fhir_user }),
    active: row.active,
  };
}

function nameContext(clientId: string): string {
  return `client|${clientId}|name`;
}

const keysMax = 20;
/** In base64url: 2,048 bits are safe, and beyond 8,192 every verification would be work for us. */
const modulusLengths = { min: 342, max: 1_366 };

/** RS384 and ES384 are what SMART asks for; whoever sends a private key has given it away. */
function requirePublicKeys(jwks: JsonWebKeySet): void {
  const { length } = jwks.keys;
  if (length >= 1 && length <= keysMax && jwks.keys.every(isPublicKey)) return;
  throw fhirError(
    'value',
    `A client's jwks holds 1 to ${keysMax} public keys: RSA of 2048 to 8192 bits, or EC on curve P-384.`,
  );
}

function isPublicKey({ kty, crv, n = '', d }: JsonWebKey): boolean {
  if (d !== undefined) return false;
  if (kty === 'EC') return crv === 'P-384';
  return kty === 'RSA' && n.length >= modulusLengths.min && n.length <= modulusLengths.max;
}
