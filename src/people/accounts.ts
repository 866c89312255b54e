// A clinic's accounts: who may sign in, with which roles (domain.md section 5). Nothing personal is readable at rest.

import { randomUUID } from 'node:crypto';
import type { SealedColumn } from '../crypto/sealed-column.ts';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';
import { requireKnownRoles } from './custom-roles.ts';

export interface AccountDetails {
  readonly email: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** The person's own resource, `Practitioner/1`; of patients `Patient/1`. */
  readonly practitioner?: string;
  /** Ids of the Organizations the person works in. */
  readonly departments?: readonly string[];
  /** From `hashPassword`; absent until the person has set one, and nobody signs in without. */
  readonly passwordHash?: string;
}

export interface Account extends AccountDetails {
  readonly id: string;
  readonly active: boolean;
  readonly departments: readonly string[];
  /** A code of an authenticator app is asked for beside the password. */
  readonly secondFactor: boolean;
  /** Another password must be chosen first: see requireNewPassword. */
  readonly mustReset: boolean;
}

/** Throws 409 when the e-mail address has an account already. */
export async function createAccount(
  trx: TenantTransaction,
  cipher: TenantCipher,
  details: AccountDetails,
): Promise<{ readonly id: string }> {
  await requireKnownRoles(trx, details.roles);
  const email = normaliseEmail(details.email);
  const id = randomUUID();
  const rows = await trx.query<{ id: string }>({
    text: `INSERT INTO account (id, email_token, email, name, password_hash, roles, practitioner, departments)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (tenant_id, email_token) DO NOTHING RETURNING id`,
    values: [
      id,
      emailToken(cipher, email),
      cipher.seal(Buffer.from(email), sealContext(id, 'email')),
      cipher.seal(Buffer.from(details.name), sealContext(id, 'name')),
      details.passwordHash ?? null,
      details.roles,
      details.practitioner ?? null,
      details.departments ?? [],
    ],
  });
  if (rows.length === 0) throw emailTaken();
  return { id };
}

export async function findAccountByEmail(
  trx: TenantTransaction,
  cipher: TenantCipher,
  email: string,
): Promise<Account | undefined> {
  const normalised = normaliseEmail(email);
  const rows = await trx.query<AccountRow>({
    name: 'read-account-by-email',
    text: `SELECT ${columns} FROM account WHERE email_token = $1`,
    values: [emailToken(cipher, normalised)],
  });
  const account = rows[0] && toAccount(rows[0], cipher);
  // A token is 64 bits of a hash: the address itself decides.
  return account?.email === normalised ? account : undefined;
}

export async function findAccount(
  trx: TenantTransaction,
  cipher: TenantCipher,
  id: string,
): Promise<Account | undefined> {
  if (!isAccountId(id)) return undefined;
  const rows = await trx.query<AccountRow>({
    name: 'read-account',
    text: `SELECT ${columns} FROM account WHERE id = $1`,
    values: [id],
  });
  return rows[0] && toAccount(rows[0], cipher);
}

export interface AccountFilter {
  readonly role?: string | undefined;
  readonly active?: boolean | undefined;
  /** Id of the account before the first. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** In the order they were made. */
export async function listAccounts(
  trx: TenantTransaction,
  cipher: TenantCipher,
  { role, active, after, limit }: AccountFilter,
): Promise<Account[]> {
  const rows = await trx.query<AccountRow>({
    text: `SELECT ${columns} FROM account
           WHERE ($1::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM account WHERE id = $1))
             AND ($2::text IS NULL OR $2 = ANY (roles)) AND ($3::boolean IS NULL OR active = $3)
           ORDER BY created_at, id LIMIT $4`,
    values: [after ?? null, role ?? null, active ?? null, limit],
  });
  return rows.map((row) => toAccount(row, cipher));
}

export type AccountChange = Partial<Omit<AccountDetails, 'passwordHash'>> & { readonly active?: boolean };

/** The account as it is then; undefined where there is none. Throws 409 for an e-mail address of another account. */
export async function changeAccount(
  trx: TenantTransaction,
  cipher: TenantCipher,
  id: string,
  change: AccountChange,
): Promise<Account | undefined> {
  if (!isAccountId(id)) return undefined;
  if (change.roles) await requireKnownRoles(trx, change.roles);
  const values = Object.entries(await changedColumns(trx, cipher, id, change));
  if (values.length === 0) return await findAccount(trx, cipher, id);
  const rows = await trx.query<AccountRow>({
    text: `UPDATE account SET ${values.map(([name], index) => `${name} = $${index + 2}`).join(', ')}
           WHERE id = $1 RETURNING ${columns}`,
    values: [id, ...values.map(([, value]) => value)],
  });
  return rows[0] && toAccount(rows[0], cipher);
}

async function changedColumns(trx: TenantTransaction, cipher: TenantCipher, id: string, change: AccountChange) {
  const { email, name, roles, practitioner, departments, active } = change;
  const normalised = email === undefined ? undefined : normaliseEmail(email);
  const token = normalised === undefined ? undefined : emailToken(cipher, normalised);
  if (token !== undefined) await requireFreeEmail(trx, id, token);
  const columnValues = {
    email_token: token,
    email: normalised && cipher.seal(Buffer.from(normalised), sealContext(id, 'email')),
    name: name === undefined ? undefined : cipher.seal(Buffer.from(name), sealContext(id, 'name')),
    roles,
    practitioner,
    departments,
    active,
  };
  return Object.fromEntries(Object.entries(columnValues).filter(([, value]) => value !== undefined));
}

/** Two who take one address at once meet at the table's key. */
async function requireFreeEmail(trx: TenantTransaction, id: string, token: bigint): Promise<void> {
  const rows = await trx.query({
    text: 'SELECT 1 FROM account WHERE email_token = $1 AND id <> $2',
    values: [token, id],
  });
  if (rows.length > 0) throw emailTaken();
}

function emailTaken(): Error {
  return fhirError('duplicate', 'There is already an account with this e-mail address.', { expression: 'email' });
}

const columns = `id, email, name, password_hash, roles, practitioner, departments, active, must_reset,
  totp_confirmed_at IS NOT NULL AS second_factor`;

interface AccountRow {
  readonly id: string;
  readonly email: Buffer;
  readonly name: Buffer;
  readonly password_hash: string | null;
  readonly roles: string[];
  readonly practitioner: string | null;
  readonly departments: string[];
  readonly active: boolean;
  readonly must_reset: boolean;
  readonly second_factor: boolean;
}

function toAccount(row: AccountRow, cipher: TenantCipher): Account {
  return {
    id: row.id,
    email: cipher.open(row.email, sealContext(row.id, 'email')).toString(),
    name: cipher.open(row.name, sealContext(row.id, 'name')).toString(),
    roles: row.roles,
    departments: row.departments,
    ...(row.practitioner === null ? {} : { practitioner: row.practitioner }),
    ...(row.password_hash === null ? {} : { passwordHash: row.password_hash }),
    active: row.active,
    secondFactor: row.second_factor,
    mustReset: row.must_reset,
  };
}

const idSyntax = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function isAccountId(text: string): boolean {
  return idSyntax.test(text);
}

/** Without what parts or encloses addresses in a mail's head: https://www.rfc-editor.org/rfc/rfc5322#section-3.2.3 */
const emailSyntax = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/;

/** One account per mailbox, however the address is written: security.md 70. */
function normaliseEmail(email: string): string {
  const normalised = email.trim().normalize('NFKC').toLowerCase();
  if (normalised.length > 254 || !emailSyntax.test(normalised)) {
    throw fhirError('value', 'The e-mail address has no valid form.', { expression: 'email' });
  }
  return normalised;
}

function emailToken(cipher: TenantCipher, email: string): bigint {
  return cipher.fixedTokenOf(`account.email|${email}`);
}

function sealContext(id: string, column: 'email' | 'name'): string {
  return `account|${id}|${column}`;
}

export const accountColumns = (['email', 'name'] as const).map(
  (column): SealedColumn => ({
    ...{ table: 'account', column, key: [{ name: 'id', type: 'uuid' }] },
    contextOf: ([id = '']) => sealContext(id, column),
  }),
);
