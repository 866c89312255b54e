// What an account proves itself with: passwords, which are hashed before a transaction begins, and what an administrator takes away.

import { randomUUID } from 'node:crypto';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { addToOutbox } from '../jobs/outbox.ts';
import { dropLinks, type LinkPurpose } from './account-links.ts';

/** A password the person has chosen: what was asked of the person is done, and links sent before are worth nothing. */
export function setPassword(trx: TenantTransaction, accountId: string, passwordHash: string): void {
  trx.execute({
    text: 'UPDATE account SET password_hash = $2, must_reset = false WHERE id = $1',
    values: [accountId, passwordHash],
  });
  dropLinks(trx, accountId);
}

/** The same password under today's parameters (security.md 76), unless it was changed meanwhile. */
export function rehashPassword(
  trx: TenantTransaction,
  accountId: string,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  trx.execute({
    text: 'UPDATE account SET password_hash = $3 WHERE id = $1 AND password_hash = $2',
    values: [accountId, from, to],
  });
}

/** From now on nobody signs in before another one was chosen, by the mailed link or, with the second factor, after a code. */
export function requireNewPassword(trx: TenantTransaction, accountId: string): void {
  trx.execute({ text: 'UPDATE account SET must_reset = true WHERE id = $1', values: [accountId] });
}

/** For who has lost the authenticator app and its recovery codes. */
export function removeSecondFactor(trx: TenantTransaction, accountId: string): void {
  trx.execute({
    text: `UPDATE account SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = NULL WHERE id = $1`,
    values: [accountId],
  });
  trx.execute({ text: 'DELETE FROM recovery_code WHERE account_id = $1', values: [accountId] });
}

/** The topics of the outbox whose jobs make a link and send it; `resourceId` is the account's id. */
export const linkTopics: Readonly<Record<LinkPurpose, string>> = { invite: 'account.invite', reset: 'account.reset' };

/** A mail with a link, after the commit: how long that takes tells nobody whether there is an account (security.md 69). */
export function askForLink(trx: TenantTransaction, accountId: string, purpose: LinkPurpose): void {
  const topic = linkTopics[purpose];
  const event = { eventKey: `${topic}-${randomUUID()}`, topic, resourceType: 'Person' };
  addToOutbox(trx, [{ ...event, resourceId: accountId, newVersionId: 1 }]);
}
