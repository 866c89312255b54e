// Single-use links to an account, for an invitation or a new password: only the hash of the secret is stored (security.md 73).

import { createHash, randomBytes } from 'node:crypto';
import type { TenantTransaction } from '../database/tenant-transaction.ts';

export type LinkPurpose = 'invite' | 'reset';

const usualSeconds: Readonly<Record<LinkPurpose, number>> = { invite: 7 * 24 * 3_600, reset: 15 * 60 };
/** Mails cross each other, so the links before the newest stay good, but not without end. */
const linksMax = 5;

const isGood = 'hash = $1 AND purpose = $2 AND expires_at > now() AND account.active';

/** The secret of a new link: 256 bits. */
export async function makeLink(
  trx: TenantTransaction,
  accountId: string,
  purpose: LinkPurpose,
  ttlSeconds: number = usualSeconds[purpose],
): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  trx.execute({
    text: `DELETE FROM account_link WHERE account_id = $1 AND purpose = $2 AND hash NOT IN (
             SELECT hash FROM account_link WHERE account_id = $1 AND purpose = $2 AND expires_at > now()
             ORDER BY created_at DESC LIMIT ${linksMax - 1})`,
    values: [accountId, purpose],
  });
  await trx.query({
    text: `INSERT INTO account_link (hash, account_id, purpose, expires_at)
           VALUES ($1, $2, $3, now() + make_interval(secs => $4))`,
    values: [hashOf(token), accountId, purpose, ttlSeconds],
  });
  return token;
}

/** The account the link is of, which stays good. */
export async function findLink(
  trx: TenantTransaction,
  purpose: LinkPurpose,
  token: string,
): Promise<string | undefined> {
  const rows = await trx.query<{ id: string }>({
    text: `SELECT account_id AS id FROM account_link JOIN account ON account.id = account_id WHERE ${isGood}`,
    values: [hashOf(token), purpose],
  });
  return rows[0]?.id;
}

/** The account the link is of, once: the link and all others of the account are gone with it. Undefined for any other text. */
export async function useLink(
  trx: TenantTransaction,
  purpose: LinkPurpose,
  token: string,
): Promise<string | undefined> {
  const rows = await trx.query<{ id: string }>({
    text: `WITH used AS (
             DELETE FROM account_link USING account WHERE account.id = account_id AND ${isGood}
             RETURNING account_id
           ), others AS (
             DELETE FROM account_link USING used WHERE account_link.account_id = used.account_id AND hash <> $1
           )
           SELECT account_id AS id FROM used`,
    values: [hashOf(token), purpose],
  });
  return rows[0]?.id;
}

/** Whoever has one of them, from before an address changed or an account was disabled, has nothing. */
export function dropLinks(trx: TenantTransaction, accountId: string): void {
  trx.execute({ text: 'DELETE FROM account_link WHERE account_id = $1', values: [accountId] });
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
