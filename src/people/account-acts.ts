// What people do with their own accounts, written down in the transaction that does it; a job makes the AuditEvent of it.

import { randomUUID } from 'node:crypto';
import type { TenantCipher } from '../crypto/tenant-cipher.ts';
import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { addToOutbox } from '../jobs/outbox.ts';

export const accountActs = [
  ...(['sign-in', 'sign-out'] as const),
  ...(['password-changed', 'second-factor-on', 'second-factor-off', 'recovery-codes-renewed'] as const),
  ...(['identity-linked', 'identity-unlinked', 'access-passed-on'] as const),
  // Written by versions before 2026-11-23; what is refused is now on record as the requests of clients are.
  ...(['sign-in-refused'] as const),
] as const;
export type AccountAct = (typeof accountActs)[number];

export const accountActTopic = 'account.act';

/** Where somebody did it from, for the one column of the event that takes a text: sealed, for it tells of a person. */
export interface ActOrigin {
  readonly cipher: TenantCipher;
  /** Absent where the connection is gone. */
  readonly address: string | undefined;
}

export function recordAct(trx: TenantTransaction, act: AccountAct, accountId: string, origin?: ActOrigin): void {
  const key = `account.${act}-${randomUUID()}`;
  const { cipher, address } = origin ?? {};
  const from = address === undefined ? undefined : cipher?.seal(Buffer.from(address), key).toString('base64url');
  const event = {
    eventKey: from === undefined ? key : `${key}.${from}`,
    topic: accountActTopic,
    resourceType: 'Person',
  };
  addToOutbox(trx, [{ ...event, resourceId: accountId, newVersionId: 1 }]);
}

const uuidLength = 36;

/** The act of an event; undefined when a later release knows it and this one does not. */
export function actOf(eventKey: string): AccountAct | undefined {
  const key = keyOf(eventKey);
  return accountActs.find(
    (act) => key.startsWith(`account.${act}-`) && key.length === `account.${act}-`.length + uuidLength,
  );
}

export function addressOfAct(cipher: TenantCipher, eventKey: string): string | undefined {
  const key = keyOf(eventKey);
  const from = eventKey.slice(key.length + 1);
  return from === '' ? undefined : cipher.open(Buffer.from(from, 'base64url'), key).toString();
}

function keyOf(eventKey: string): string {
  const end = eventKey.indexOf('.', 'account.'.length);
  return end < 0 ? eventKey : eventKey.slice(0, end);
}
