// Fills in what the server knows of payments before they are stored, as far as it is known before the rest of their transaction is done.

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { localDate } from '../../fhir/time-zone.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import { type InvoiceFacts, readInvoiceFacts } from '../billing/invoice-facts.ts';
import { knownBalances } from '../ledger/known-balances.ts';
import { cutToOutstanding, isCut, withAllocations } from './allocate.ts';
import { isBounced } from './bank-fee.ts';
import { requirePast } from './business-day.ts';
import { extensionUrls } from './canonicals.ts';
import { editContent, replaceContent } from './content.ts';
import { requireOpen } from './drawer-days.ts';
import { requireOwnDrawers } from './drawer-shifts.ts';
import { methodConcept } from './money-method.ts';
import type { Move } from './moves.ts';
import { payerOf } from './payer.ts';
import { extensionOf, isDrawerMove, isMoneyIn, type Payment, withExtension } from './payment.ts';
import { type PaymentRow, readPaymentRows, readRefundsOfNotes } from './payment-rows.ts';
import { limitMinor } from './rights.ts';

export async function completePayments(
  moves: readonly Move[],
  session: Session,
  { settings, known }: { readonly settings: WorkflowSettings; readonly known: Known },
): Promise<void> {
  const today = localDate(session.at, settings.timezone);
  for (const { payment, change } of moves) requirePast(payment.day, today, change.index);
  for (const move of moves) {
    const { kind } = move.payment;
    if (isMoneyIn(kind)) await completeTaking(move, session, known);
    else if (isDrawerMove(kind)) completeDrawerMove(move);
    else completeRefund(move, settings, known);
  }
}

export interface Known {
  readonly facts: ReadonlyMap<string, InvoiceFacts>;
  readonly refunded: ReadonlyMap<string, PaymentRow>;
  /** What was given back of each payment and credit note, `Type/id`; what a refund gives back is added for the next. */
  readonly givenBack: Map<string, bigint>;
  /** Of Invoices that can be paid; what a payment takes of it is not there for the next. */
  readonly outstanding: Map<string, bigint>;
}

/** Throws 409 for a day that is closed, and 403 for another cashier's drawer. */
export async function readKnown(moves: readonly Move[], session: Session): Promise<Known> {
  const taken = moves.filter(({ payment }) => isMoneyIn(payment.kind) && payment.phase === 'posted');
  const invoiceIds = taken.flatMap(({ payment }) => invoicesOf(payment));
  const refunds = moves.flatMap(({ payment: { refunds } }) =>
    refunds?.type === 'PaymentReconciliation' ? [refunds.id] : [],
  );
  const notes = moves.flatMap(({ payment: { refunds } }) => (refunds?.type === 'Invoice' ? [refunds.id] : []));
  const [facts, balances, refunded, givenBack] = await Promise.all([
    readInvoiceFacts(session, invoiceIds),
    knownBalances(session, invoiceIds),
    readPaymentRows(session, refunds),
    readRefundsOfNotes(session, notes),
    requireOpen(session, moves.flatMap(daysOf)),
    requireOwnDrawers(session, moves.filter(movesCash).flatMap(daysOf)),
  ]);
  for (const { id, refundedMinor } of refunded.values()) givenBack.set(`PaymentReconciliation/${id}`, refundedMinor);
  const outstanding = new Map<string, bigint>();
  // What a refund or a void beside it reopens is known once it is posted.
  if (moves.some(reopens)) return { facts, refunded, givenBack, outstanding };
  // What is still a draft may be issued in the same transaction.
  for (const { id, status, kind } of facts.values()) {
    const balance = kind === 'invoice' && (status === 'issued' || status === 'balanced') ? balances.get(id) : undefined;
    if (balance) outstanding.set(id, balance.outstandingMinor);
  }
  return { facts, refunded, givenBack, outstanding };
}

function reopens({ payment, from }: Move): boolean {
  return payment.kind === 'refund' || (payment.phase === 'void' && from === 'posted');
}

export function invoicesOf({ allocations }: Payment): string[] {
  return allocations.flatMap(({ target }) => (target?.type === 'Invoice' ? [target.id] : []));
}

/** What goes in or out of a drawer; whoever takes it over has not got it yet, and a float opens it. */
function movesCash({ payment: { kind, method } }: Move): boolean {
  if (kind === 'float' || kind === 'hand-over') return false;
  return method === 'CASH' || isDrawerMove(kind);
}

/** What moves no money may happen on any day, as may what a bank does. */
function daysOf({ change, payment, from }: Move) {
  const moves = payment.phase === 'void' ? from === 'posted' && !isBounced(payment) : payment.phase !== 'failed';
  return moves ? [{ drawerId: payment.drawer ?? '', day: payment.day, writeIndex: change.index }] : [];
}

async function completeTaking(move: Move, session: Session, { facts, outstanding }: Known): Promise<void> {
  const { change, payment } = move;
  if (payment.phase !== 'posted') return;
  const payer = await payerOf(session, payment, facts);
  const kept = cutToOutstanding(payment.allocations, outstanding);
  const namesPayer = extensionOf(change.resource as PaymentReconciliation, extensionUrls.issuer) !== undefined;
  if (isCut(payment, kept) && (namesPayer || payer === undefined)) return;
  edit(move, (resource) => {
    const cut = isCut(payment, kept) ? resource : withAllocations(resource, payment, kept);
    return namesPayer || payer === undefined ? cut : withPayer(cut, payer);
  });
}

/** So that a search by patient finds it, also where nothing of it was left for the Invoice. */
export function withPayer(resource: PaymentReconciliation, patientId: string): PaymentReconciliation {
  return withExtension(resource, { url: extensionUrls.issuer, valueReference: { reference: `Patient/${patientId}` } });
}

function completeDrawerMove(move: Move): void {
  if (move.payment.method !== undefined) return;
  edit(move, (resource) =>
    withExtension(resource, { url: extensionUrls.method, valueCodeableConcept: methodConcept('CASH') }),
  );
}

/** Money goes back the way it came, and a large refund waits for a second person (contract.md 49). */
function completeRefund(move: Move, settings: WorkflowSettings, { refunded, givenBack }: Known): void {
  const { change, payment } = move;
  const source = payment.refunds?.reference ?? '';
  const method = refunded.get(payment.refunds?.id ?? '')?.method;
  if (payment.method === undefined && method !== undefined) {
    edit(move, (resource) =>
      withExtension(resource, { url: extensionUrls.method, valueCodeableConcept: methodConcept(method) }),
    );
  }
  const isFirst = move.from === undefined && payment.phase === 'posted';
  const refundedMinor = givenBack.get(source) ?? 0n;
  if (isFirst && needsApproval(payment, settings, refundedMinor)) {
    (change.resource as PaymentReconciliation).outcome = 'queued';
  } else if (payment.phase === 'posted') givenBack.set(source, refundedMinor + payment.amountMinor);
}

/** With what was given back of the same payment before: several small refunds are a large one. */
export function needsApproval(
  { amountMinor, currency }: Payment,
  settings: WorkflowSettings,
  refundedMinor: bigint,
): boolean {
  const limit = settings['payments.dual-approval'];
  return limit !== null && refundedMinor + amountMinor > limitMinor(limit, currency);
}

function edit({ change }: Move, by: (resource: PaymentReconciliation) => PaymentReconciliation): void {
  const { resource, exactNumbers } = change;
  if (!resource) return;
  replaceContent(change, editContent({ resource, ...(exactNumbers && { exactNumbers }) }, by));
}
