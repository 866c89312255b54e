// Whom a clinic's own identity provider knows an account as. The pair of issuer and subject is the only key: an e-mail address can be
// given to somebody else (RFC 9700 section 2.1; OpenID Connect Core 1.0, section 5.7).

import { randomUUID } from 'node:crypto';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { isAccountId as isUuid } from './accounts.ts';

export interface Identity {
  /** Exactly as in the id_token. */
  readonly issuer: string;
  readonly subject: string;
}

export interface LinkedIdentity {
  readonly id: string;
  readonly issuer: string;
  /** What the identity provider calls the person, when it was linked. */
  readonly knownAs?: string;
  readonly linkedAt: Date;
}

/** Of one account. */
const identitiesMax = 10;

/** Throws 409 when the identity belongs to another account; once more is no mistake. */
export async function linkIdentity(
  trx: TenantTransaction,
  cipher: TenantCipher,
  accountId: string,
  identity: Identity & { readonly knownAs?: string },
): Promise<void> {
  const id = randomUUID();
  const { issuer, knownAs } = identity;
  const sealed = knownAs === undefined ? null : cipher.seal(Buffer.from(knownAs), sealContext(id));
  trx.execute({
    text: `INSERT INTO identity (issuer, subject_token, account_id, id, known_as) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (tenant_id, issuer, subject_token) DO NOTHING`,
    values: [issuer, subjectToken(cipher, identity), accountId, id, sealed],
  });
  const [owner, rows] = await Promise.all([
    findAccountOfIdentity(trx, cipher, identity),
    trx.query({ text: 'SELECT FROM identity WHERE account_id = $1', values: [accountId] }),
  ]);
  if (owner !== accountId) throw fhirError('conflict', 'This identity signs in to another account already.');
  if (rows.length > identitiesMax) throw fhirError('conflict', `An account has at most ${identitiesMax} identities.`);
}

/** Undefined when nobody here is known by it. */
export async function findAccountOfIdentity(
  trx: TenantTransaction,
  cipher: TenantCipher,
  identity: Identity,
): Promise<string | undefined> {
  const rows = await trx.query<{ account_id: string }>({
    text: 'SELECT account_id FROM identity WHERE issuer = $1 AND subject_token = $2',
    values: [identity.issuer, subjectToken(cipher, identity)],
  });
  return rows[0]?.account_id;
}

/** The last linked first. */
export async function listIdentities(
  trx: TenantTransaction,
  cipher: TenantCipher,
  accountId: string,
): Promise<LinkedIdentity[]> {
  const rows = await trx.query<IdentityRow>({
    text: `SELECT id, issuer, known_as, created_at FROM identity WHERE account_id = $1
           ORDER BY created_at DESC LIMIT ${identitiesMax}`,
    values: [accountId],
  });
  return rows.map(({ id, issuer, known_as, created_at: linkedAt }) => ({
    ...{ id, issuer, linkedAt },
    ...(known_as === null ? {} : { knownAs: cipher.open(known_as, sealContext(id)).toString() }),
  }));
}

/** False when this account has no such identity. */
export async function unlinkIdentity(trx: TenantTransaction, accountId: string, id: string): Promise<boolean> {
  if (!isUuid(id)) return false;
  const rows = await trx.query({
    text: 'DELETE FROM identity WHERE account_id = $1 AND id = $2 RETURNING id',
    values: [accountId, id],
  });
  return rows.length > 0;
}

/** Whoever these are must prove by the password again whose account this is. */
export function unlinkIdentities(trx: TenantTransaction, accountId: string): void {
  trx.execute({ text: 'DELETE FROM identity WHERE account_id = $1', values: [accountId] });
}

/** Keyed, for some providers use names or e-mail addresses as subjects. */
function subjectToken(cipher: TenantCipher, { issuer, subject }: Identity): bigint {
  return cipher.fixedTokenOf(`identity.subject|${issuer}|${subject}`);
}

interface IdentityRow {
  readonly id: string;
  readonly issuer: string;
  readonly known_as: Buffer | null;
  readonly created_at: Date;
}

function sealContext(id: string): string {
  return `identity|${id}|known-as`;
}

export const identityColumn: SealedColumn = {
  ...{ table: 'identity', column: 'known_as', key: [{ name: 'id', type: 'uuid' }] },
  contextOf: ([id = '']) => sealContext(id),
};
