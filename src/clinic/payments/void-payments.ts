// A void takes back all that was posted for a payment or a refund, by its exact mirror, as if it had not been (contract.md 36, domain.md SM-4).

import { fhirError } from '../../fhir/outcome.ts';
import { localDate } from '../../fhir/time-zone.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import { knownBalances } from '../ledger/known-balances.ts';
import { reverseJournal } from '../ledger/reverse-journal.ts';
import { type AllocationRow, readAllocations } from './allocation-rows.ts';
import { bankDrawer, feeJournal, isBounced } from './bank-fee.ts';
import type { Move } from './moves.ts';
import { type PaymentRow, readPaymentRows } from './payment-rows.ts';
import { type Posting, sourceOf } from './posting.ts';
import { netEdits } from './refund-payments.ts';
import { limitMinor, requireApproving, requireVoiding } from './rights.ts';

/** Posts the mirror itself; what else follows from it is for the caller to write. */
export async function voidPayment(session: Session, move: Move, settings: WorkflowSettings): Promise<Posting> {
  const { change } = move;
  const refundedId = move.payment.refunds?.type === 'PaymentReconciliation' ? [move.payment.refunds.id] : [];
  const [rows, allocations] = await Promise.all([
    readPaymentRows(session, [change.id, ...refundedId]),
    readAllocations(session, [change.id]),
  ]);
  const row = rows.get(change.id);
  if (!row) throw new Error('A payment that was posted has no row.');
  const today = localDate(session.at, settings.timezone);
  const bounced = isBounced(move.payment);
  if (bounced) requireApproving(session.caller);
  else
    requireVoiding(session.caller, row, {
      limitMinor: limitMinor(settings['payments.refund-limit'], row.currency),
      today,
    });
  const live = allocations.filter(({ amountMinor }) => amountMinor > 0n);
  const isRefund = row.kind === 'refund';
  if (isRefund) await requireReceivable(session, move, live);
  else if (row.refundedMinor > 0n) throw refused(move, 'It was refunded, in part or whole: void the refunds first.');
  // In the day of the payment, which is open: a drawer expects what it would have without it. A bank takes back when it does.
  const when = bounced
    ? { businessDate: today, reason: 'bounced', drawer: bankDrawer }
    : { businessDate: row.day, reason: 'void' };
  await reverseJournal(session, { source: `PaymentReconciliation/${change.id}` }, { ...when, source: sourceOf(move) });
  const fee = feeJournal(move, today);
  const voided = { ...row, phase: 'void' as const };
  const invoiceIds = live.map(({ invoiceId }) => invoiceId);
  if (isRefund) return { row: voided, reduced: live, invoiceIds, ...givenBackAgain(row, rows, live) };
  const cancelledReceipts = allocations.flatMap(({ receiptId }) => receiptId ?? []);
  return { row: voided, reduced: live, invoiceIds, cancelledReceipts, ...(fee && { journal: fee }) };
}

/** What a refund had taken from a payment is on its Invoices again. */
function givenBackAgain(
  { amountMinor, refunds = '' }: PaymentRow,
  rows: ReadonlyMap<string, PaymentRow>,
  live: readonly AllocationRow[],
): Partial<Posting> {
  const original = rows.get(refunds.replace(/^PaymentReconciliation\//, ''));
  if (!original) return { invoiceIds: [...live.map(({ invoiceId }) => invoiceId), refunds.replace(/^Invoice\//, '')] };
  return {
    added: live.map((part) => ({ ...part, paymentId: original.id })),
    refunded: { paymentId: original.id, amountMinor: -amountMinor },
    edits: netEdits(original.id, original, original.refundedMinor - amountMinor),
  };
}

/** Throws 409 where the Invoice that the refund reopened was paid by other money since: nothing is ever paid twice. */
async function requireReceivable(session: Session, move: Move, parts: readonly AllocationRow[]): Promise<void> {
  const ids = parts.map(({ invoiceId }) => invoiceId);
  const balances = await knownBalances(session, ids);
  const isTooMuch = parts.some(
    ({ invoiceId, amountMinor }) => amountMinor > (balances.get(invoiceId)?.outstandingMinor ?? 0n),
  );
  if (isTooMuch) throw refused(move, 'What the refund reopened was settled by other money since.');
}

function refused({ change }: Move, diagnostics: string): Error {
  return fhirError('conflict', diagnostics, { expression: 'PaymentReconciliation.status', writeIndex: change.index });
}
