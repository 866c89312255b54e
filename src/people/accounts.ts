// A clinic's staff accounts: who may sign in, with which roles (domain.md section 5). Nothing personal is readable at rest.

import { randomUUID } from 'node:crypto';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { requireRoles } from './roles.ts';

export interface AccountDetails {
  readonly email: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** The person's own resource, `Practitioner/1`. */
  readonly practitioner?: string;
  /** From `hashPassword`; absent until the person has set one, and nobody signs in without. */
  readonly passwordHash?: string;
}

export interface Account extends AccountDetails {
  readonly id: string;
  readonly active: boolean;
}

/** Throws 409 when the e-mail address has an account already. */
export async function createAccount(
  trx: TenantTransaction,
  cipher: TenantCipher,
  details: AccountDetails,
): Promise<{ readonly id: string }> {
  requireRoles(details.roles);
  const email = normaliseEmail(details.email);
  const id = randomUUID();
  const rows = await trx.query<{ id: string }>({
    text: `INSERT INTO account (id, email_token, email, name, password_hash, roles, practitioner)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (tenant_id, email_token) DO NOTHING RETURNING id`,
    values: [
      id,
      emailToken(cipher, email),
      cipher.seal(Buffer.from(email), sealContext(id, 'email')),
      cipher.seal(Buffer.from(details.name), sealContext(id, 'name')),
      details.passwordHash ?? null,
      details.roles,
      details.practitioner ?? null,
    ],
  });
  if (rows.length === 0) throw fhirError('duplicate', 'There is already an account with this e-mail address.');
  return { id };
}

export async function findAccountByEmail(
  trx: TenantTransaction,
  cipher: TenantCipher,
  email: string,
): Promise<Account | undefined> {
  const normalised = normaliseEmail(email);
  const rows = await trx.query<AccountRow>({
    text: `SELECT id, email, name, password_hash, roles, practitioner, active FROM account WHERE email_token = $1`,
    values: [emailToken(cipher, normalised)],
  });
  const account = rows[0] && toAccount(rows[0], cipher);
  // A token is 64 bits of a hash: the address itself decides.
  return account?.email === normalised ? account : undefined;
}

interface AccountRow {
  readonly id: string;
  readonly email: Buffer;
  readonly name: Buffer;
  readonly password_hash: string | null;
  readonly roles: string[];
  readonly practitioner: string | null;
  readonly active: boolean;
}

function toAccount(row: AccountRow, cipher: TenantCipher): Account {
  return {
    id: row.id,
    email: cipher.open(row.email, sealContext(row.id, 'email')).toString(),
    name: cipher.open(row.name, sealContext(row.id, 'name')).toString(),
    roles: row.roles,
    ...(row.practitioner === null ? {} : { practitioner: row.practitioner }),
    ...(row.password_hash === null ? {} : { passwordHash: row.password_hash }),
    active: row.active,
  };
}

/** One account per mailbox, however the address is written: security.md 70. */
function normaliseEmail(email: string): string {
  const normalised = email.trim().normalize('NFKC').toLowerCase();
  if (normalised.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(normalised)) {
    throw fhirError('value', 'The e-mail address has no valid form.');
  }
  return normalised;
}

function emailToken(cipher: TenantCipher, email: string): bigint {
  return cipher.tokenOf(`account.email|${email}`);
}

function sealContext(id: string, column: 'email' | 'name'): string {
  return `account|${id}|${column}`;
}
