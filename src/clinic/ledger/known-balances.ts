// The balances of Invoices within one transaction that holds the money lock: read once, and known from what it posts itself.

import type { Session } from '../../repository/session.ts';
import { TransactionMemo } from '../transaction-memo.ts';
import { type Credit, readCredits } from './credit-balances.ts';
import { type InvoiceBalance, readInvoiceBalances } from './invoice-balances.ts';

/** What an Invoice says of its payment follows from these. */
export type SettledState = Pick<InvoiceBalance, 'currency' | 'outstandingMinor' | 'paidMinor'>;

const balances = new TransactionMemo<InvoiceBalance>();
const states = new TransactionMemo<SettledState>();
const credits = new TransactionMemo<readonly Credit[]>();
/** The patients whose credits were asked for: one credit may be of several, who are the same person. */
const creditors = new WeakMap<Session['trx'], Set<string>>();

/** As `readInvoiceBalances`. The caller holds `lockMoney`. */
export function knownBalances(session: Session, ids: readonly string[]): Promise<Map<string, InvoiceBalance>> {
  return balances.read(session, ids, (unread) => readInvoiceBalances(session, unread));
}

/** The caller holds `lockMoney`. */
export function knownStates(session: Session, ids: readonly string[]): Promise<Map<string, SettledState>> {
  return states.read(session, ids, (unread) => knownBalances(session, unread));
}

/** What patients' credits have left, as `readCredits`, by `Patient/x`. The caller holds `lockMoney`. */
export function knownCredits(session: Session, patients: readonly string[]): Promise<Map<string, readonly Credit[]>> {
  creditors.set(session.trx, new Set([...(creditors.get(session.trx) ?? []), ...patients]));
  return credits.read(session, patients, async (unread) => {
    const read = await readCredits(session, { patients: unread });
    return Map.groupBy(read, ({ patient = '' }) => patient);
  });
}

/** Before a posting that changes any of them is sent. */
export function forgetCredits(session: Session): void {
  credits.forget(session, creditors.get(session.trx) ?? []);
}

/** Before a posting is sent: what was read of these is not so any more. */
export function forgetBalances(session: Session, ids: readonly string[]): void {
  balances.forget(session, ids);
  states.forget(session, ids);
}

/** What the posting has left of them. */
export function keepStates(session: Session, left: Iterable<readonly [id: string, state: SettledState]>): void {
  states.keep(session, left);
}

const posted = new WeakSet<Session['trx']>();

export function notePosting({ trx }: Session): void {
  posted.add(trx);
}

/** True once anything was posted in the transaction: what Invoices say of their payment may be about to change. */
export function hasPosted({ trx }: Session): boolean {
  return posted.has(trx);
}
