// What people do with their own accounts, written down in the transaction that does it; a job makes the AuditEvent of it.

import { randomUUID } from 'node:crypto';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { addToOutbox } from '../jobs/outbox.ts';

export const accountActs = [
  ...(['sign-in', 'sign-in-refused', 'sign-out'] as const),
  ...(['password-changed', 'second-factor-on', 'second-factor-off', 'recovery-codes-renewed'] as const),
  ...(['identity-linked', 'identity-unlinked', 'access-passed-on'] as const),
] as const;
export type AccountAct = (typeof accountActs)[number];

export const accountActTopic = 'account.act';

/** Without an account, as when a sign-in names none, it is nobody's: the same row, so that it takes as long (security.md 69). */
export function recordAct(trx: TenantTransaction, act: AccountAct, accountId: string = randomUUID()): void {
  const event = { eventKey: `account.${act}-${randomUUID()}`, topic: accountActTopic, resourceType: 'Person' };
  addToOutbox(trx, [{ ...event, resourceId: accountId, newVersionId: 1 }]);
}

/** The act of an event; undefined when a later release knows it and this one does not. */
export function actOf(eventKey: string): AccountAct | undefined {
  return accountActs.find((act) => eventKey.startsWith(`account.${act}-`) && eventKey.length === act.length + 45);
}
