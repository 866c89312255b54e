// The identity providers a clinic's people may sign in by: https://openid.net/specs/openid-connect-core-1_0.html

import { randomUUID } from 'node:crypto';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { isAccountId as isUuid } from './accounts.ts';

export interface IdentityProviderDetails {
  /** Exactly as in its id_tokens. */
  readonly issuer: string;
  /** As what it knows the clinic. */
  readonly clientId: string;
  /** Encrypted at rest; absent for a public client. */
  readonly clientSecret?: string;
  /** Separated by spaces. */
  readonly scopes: string;
  /** What the sign-in page calls it. */
  readonly display: string;
  readonly active: boolean;
}

export interface IdentityProvider extends IdentityProviderDetails {
  readonly id: string;
}

export async function listIdentityProviders(trx: TenantTransaction, cipher: TenantCipher): Promise<IdentityProvider[]> {
  const rows = await trx.query<ProviderRow>({
    text: `SELECT ${columns} FROM identity_provider ORDER BY created_at, id`,
  });
  return rows.map((row) => toProvider(row, cipher));
}

export async function findIdentityProvider(
  trx: TenantTransaction,
  cipher: TenantCipher,
  id: string,
): Promise<IdentityProvider | undefined> {
  if (!isUuid(id)) return undefined;
  const rows = await trx.query<ProviderRow>({
    text: `SELECT ${columns} FROM identity_provider WHERE id = $1`,
    values: [id],
  });
  return rows[0] && toProvider(rows[0], cipher);
}

/** Of one clinic; each stands on the sign-in page. */
const providersMax = 20;

/** Throws 409 for an issuer that is registered already. */
export async function createIdentityProvider(
  trx: TenantTransaction,
  cipher: TenantCipher,
  details: IdentityProviderDetails,
): Promise<IdentityProvider> {
  requireIssuer(details.issuer);
  const id = randomUUID();
  const rows = await trx.query<ProviderRow>({
    text: `INSERT INTO identity_provider (id, issuer, client_id, client_secret, scopes, display, active)
           SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM identity_provider) < ${providersMax}
           ON CONFLICT (tenant_id, issuer) DO NOTHING RETURNING ${columns}`,
    values: [id, ...valuesOf(cipher, id, details)],
  });
  if (rows[0]) return toProvider(rows[0], cipher);
  const diagnostics = `This issuer is registered already, or there are ${providersMax} identity providers.`;
  throw fhirError('duplicate', diagnostics, { expression: 'issuer' });
}

/** Undefined where there is none. The issuer stays: accounts are linked to it. */
export async function changeIdentityProvider(
  trx: TenantTransaction,
  cipher: TenantCipher,
  id: string,
  change: Partial<Omit<IdentityProviderDetails, 'issuer'>>,
): Promise<IdentityProvider | undefined> {
  const before = await findIdentityProvider(trx, cipher, id);
  if (!before) return undefined;
  const rows = await trx.query<ProviderRow>({
    text: `UPDATE identity_provider SET issuer = $2, client_id = $3, client_secret = $4, scopes = $5, display = $6,
             active = $7 WHERE id = $1 RETURNING ${columns}`,
    values: [id, ...valuesOf(cipher, id, { ...before, ...change })],
  });
  return rows[0] && toProvider(rows[0], cipher);
}

/** False where there is none. Accounts that were linked to it stay, and can sign in by it if it comes back. */
export async function deleteIdentityProvider(trx: TenantTransaction, id: string): Promise<boolean> {
  if (!isUuid(id)) return false;
  const rows = await trx.query({
    text: 'DELETE FROM identity_provider WHERE id = $1 RETURNING id',
    values: [id],
  });
  return rows.length > 0;
}

const columns = 'id, issuer, client_id, client_secret, scopes, display, active';

interface ProviderRow {
  readonly id: string;
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: Buffer | null;
  readonly scopes: string;
  readonly display: string;
  readonly active: boolean;
}

function toProvider({ client_id, client_secret, ...row }: ProviderRow, cipher: TenantCipher): IdentityProvider {
  return {
    ...row,
    clientId: client_id,
    ...(client_secret && { clientSecret: cipher.open(client_secret, sealContext(row.id)).toString() }),
  };
}

function valuesOf(cipher: TenantCipher, id: string, details: IdentityProviderDetails): unknown[] {
  const { issuer, clientId, clientSecret, scopes, display, active } = details;
  const secret = clientSecret === undefined ? null : cipher.seal(Buffer.from(clientSecret), sealContext(id));
  return [issuer, clientId, secret, scopes, display, active];
}

function sealContext(id: string): string {
  return `identity_provider|${id}|client_secret`;
}

/** https://openid.net/specs/openid-connect-core-1_0.html#Terminology, Issuer Identifier */
function requireIssuer(issuer: string): void {
  const url = URL.parse(issuer);
  const isLocal = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url && (url.protocol === 'https:' || isLocal) && !/[?#\s]/.test(issuer) && url.username === '') return;
  throw fhirError('value', 'An issuer is an https URL without query and fragment.', { expression: 'issuer' });
}

export const providerColumn: SealedColumn = {
  ...{ table: 'identity_provider', column: 'client_secret', key: [{ name: 'id', type: 'uuid' }] },
  contextOf: ([id = '']) => sealContext(id),
};
