// Whom a clinic's own identity provider knows an account as. The pair of issuer and subject is the only key: an e-mail address can be
// given to somebody else (RFC 9700 section 2.1; OpenID Connect Core 1.0, section 5.7).

import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';

export interface Identity {
  /** Exactly as in the id_token. */
  readonly issuer: string;
  readonly subject: string;
}

/** Of one account. */
const identitiesMax = 10;

/** Throws 409 when the identity belongs to another account; once more is no mistake. */
export async function linkIdentity(
  trx: TenantTransaction,
  cipher: TenantCipher,
  accountId: string,
  identity: Identity,
): Promise<void> {
  const values = [identity.issuer, subjectToken(cipher, identity), accountId];
  trx.execute({
    text: `INSERT INTO identity (issuer, subject_token, account_id) VALUES ($1, $2, $3)
           ON CONFLICT (tenant_id, issuer, subject_token) DO NOTHING`,
    values,
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

/** Whoever these are must prove by the password again whose account this is. */
export function unlinkIdentities(trx: TenantTransaction, accountId: string): void {
  trx.execute({ text: 'DELETE FROM identity WHERE account_id = $1', values: [accountId] });
}

/** Keyed, for some providers use names or e-mail addresses as subjects. */
function subjectToken(cipher: TenantCipher, { issuer, subject }: Identity): bigint {
  return cipher.tokenOf(`identity.subject|${issuer}|${subject}`);
}
