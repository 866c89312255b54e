// Money that goes back: of an Invoice, which reopens, of credit that was not used, or of a credit note (contract.md 29, 36, 49).

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { sumOf } from '../../fhir/decimal.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import { type InvoiceFacts, readInvoiceFacts } from '../billing/invoice-facts.ts';
import { type Credit, readCredits } from '../ledger/credit-balances.ts';
import type { InvoiceBalance } from '../ledger/invoice-balances.ts';
import type { JournalEntry } from '../ledger/journal.ts';
import { knownBalances } from '../ledger/known-balances.ts';
import { type Allocation as Reopened, refundLines } from '../ledger/postings.ts';
import { type AllocationRow, readAllocations } from './allocation-rows.ts';
import { extensionUrls } from './canonicals.ts';
import { invoicesOf, needsApproval } from './complete-payments.ts';
import { exactMoney } from './content.ts';
import { methodConcept } from './money-method.ts';
import type { Move } from './moves.ts';
import { extensionOf, isMoneyIn, type Payment, withExtension } from './payment.ts';
import { type PaymentRow, readPaymentRows, readRefundsOfNotes } from './payment-rows.ts';
import { journalFacts, type PaymentEdit, type Posting, rowOf, sourceOf } from './posting.ts';
import { isSamePerson, limitMinor, personOf, requireApproving, requireRefunding } from './rights.ts';

/** Of moves that have neither an Invoice nor what they refund in common. */
export async function refundPayments(
  session: Session,
  moves: readonly Move[],
  settings: WorkflowSettings,
): Promise<Posting[]> {
  if (moves.length === 0) return [];
  const sources = moves.flatMap(({ payment: { refunds } }) => refunds ?? []);
  const paymentIds = sources.flatMap(({ type, id }) => (type === 'PaymentReconciliation' ? [id] : []));
  const notes = sources.flatMap(({ type, id }) => (type === 'Invoice' ? [id] : []));
  const invoiceIds = moves.flatMap(({ payment }) => invoicesOf(payment));
  const [rows, allocations, credits, facts, balances, refundsOfNotes] = await Promise.all([
    readPaymentRows(session, [...paymentIds, ...moves.map(({ change }) => change.id)]),
    readAllocations(session, paymentIds),
    readCredits(session, { sources: sources.map(({ reference }) => reference) }),
    readInvoiceFacts(session, [...invoiceIds, ...notes]),
    knownBalances(session, invoiceIds),
    readRefundsOfNotes(session, notes),
  ]);
  const bySource = new Map(credits.map((credit) => [credit.source, credit]));
  return moves.map((move) =>
    refund(session, move, { rows, allocations, credits: bySource, facts, balances, refundsOfNotes, settings }),
  );
}

interface Books {
  readonly rows: ReadonlyMap<string, PaymentRow>;
  readonly allocations: readonly AllocationRow[];
  readonly credits: ReadonlyMap<string, Credit>;
  readonly facts: ReadonlyMap<string, InvoiceFacts>;
  readonly balances: ReadonlyMap<string, InvoiceBalance>;
  /** By `Invoice/x`. */
  readonly refundsOfNotes: ReadonlyMap<string, bigint>;
  readonly settings: WorkflowSettings;
}

function refund(session: Session, move: Move, books: Books): Posting {
  const { change, payment } = move;
  if (payment.phase === 'void' || payment.phase === 'failed') return { row: rowOf(move, session.caller) };
  const original = originalOf(move, books);
  requireAllowed(session, move, original, books);
  if (original.paidOn !== undefined && payment.day < original.paidOn) {
    throw refused(move, 'business-rule', `The payment is of ${original.paidOn}: nothing of it was given back before.`);
  }
  const method = payment.method ?? original.method;
  if (method === undefined) throw refused(move, 'business-rule', 'Say by which method the money goes back.');
  const reopened = reopenedOf(move, books);
  const creditMinor = payment.amountMinor - sumOf(reopened.map(({ amountMinor }) => amountMinor));
  const credit = books.credits.get(payment.refunds?.reference ?? '');
  if (creditMinor > (credit?.amountMinor ?? 0n)) {
    throw refused(
      move,
      'conflict',
      'There is not so much unused credit: name the Invoices whose payment is given back.',
    );
  }
  const row: PaymentRow = { ...rowOf(move, session.caller), method, patientId: original.patientId };
  if (payment.phase === 'queued') return { row };
  const patient = original.patientId === undefined ? undefined : `Patient/${original.patientId}`;
  const credits = creditMinor > 0n && credit ? [{ ...credit, patient: credit.heldFor, amountMinor: creditMinor }] : [];
  const journal: JournalEntry = {
    type: 'REFUND',
    businessDate: payment.day,
    source: sourceOf(move),
    idempotencyKey: `refund ${change.id}`,
    currency: payment.currency,
    ...(patient !== undefined && { subject: patient }),
    lines: refundLines({ ...journalFacts(payment), method, amountMinor: payment.amountMinor }, reopened, credits),
    facts: { ...journalFacts(payment), method },
  };
  const parts = reopened.map((one) => ({ invoiceId: one.invoice, amountMinor: one.amountMinor, receiptId: undefined }));
  return {
    row,
    journal,
    added: parts.map((part) => ({ ...part, paymentId: change.id })),
    edits: methodEdits(move, row),
    invoiceIds: [...parts.map(({ invoiceId }) => invoiceId), ...original.noteIds],
    ...(original.paymentId !== undefined && givenBack(original.paymentId)),
  };

  function givenBack(paymentId: string): Partial<Posting> {
    const refundedMinor = original.refundedMinor + payment.amountMinor;
    return {
      reduced: parts.map((part) => ({ ...part, paymentId })),
      refunded: { paymentId, amountMinor: payment.amountMinor },
      edits: [...methodEdits(move, row), ...netEdits(paymentId, original, refundedMinor)],
    };
  }
}

/** What a refund gives back, a payment or a credit note. */
interface Original {
  readonly paymentId: string | undefined;
  readonly patientId: string | undefined;
  readonly method: Payment['method'];
  readonly amountMinor: bigint;
  readonly refundedMinor: bigint;
  readonly paidOn: string | undefined;
  readonly currency: Payment['currency'];
  readonly noteIds: readonly string[];
}

function originalOf(move: Move, books: Books): Original {
  const { refunds } = move.payment;
  const original =
    refunds?.type === 'Invoice' ? noteOf(move, refunds.id, books) : paymentOf(move, refunds?.id ?? '', books);
  if (original.currency !== move.payment.currency) {
    throw refused(move, 'business-rule', `It was paid in ${original.currency}, and is given back so.`);
  }
  return original;
}

function paymentOf(move: Move, id: string, { rows }: Books): Original {
  const row = rows.get(id);
  if (!row || !isMoneyIn(row.kind)) throw refused(move, 'business-rule', 'There is no such payment to be given back.');
  if (row.phase !== 'posted')
    throw refused(move, 'conflict', `The payment is ${row.phase}: there is nothing to give back.`);
  if (move.payment.amountMinor > row.amountMinor - row.refundedMinor) {
    throw refused(move, 'conflict', 'The refunds would be more than the payment.');
  }
  const { patientId, method, amountMinor, refundedMinor, day, currency } = row;
  return { paymentId: id, patientId, method, amountMinor, refundedMinor, paidOn: day, noteIds: [], currency };
}

function noteOf(move: Move, id: string, { facts, credits, refundsOfNotes }: Books): Original {
  const note = facts.get(id);
  if (note?.kind !== 'credit-note')
    throw refused(move, 'business-rule', 'An Invoice that is refunded is a credit note.');
  const { patientId, currency } = note;
  const amountMinor = credits.get(`Invoice/${id}`)?.amountMinor ?? 0n;
  const refundedMinor = refundsOfNotes.get(`Invoice/${id}`) ?? 0n;
  const unpaid = { paymentId: undefined, method: undefined, refundedMinor, paidOn: undefined };
  return { ...unpaid, patientId, amountMinor, noteIds: [id], currency };
}

function requireAllowed({ caller }: Session, move: Move, original: Original, { rows, settings }: Books): void {
  const { payment, change } = move;
  const { paidOn, refundedMinor } = original;
  if (move.from === undefined || !needsApproval(payment, settings, refundedMinor)) {
    requireRefunding(caller, payment, {
      refundedMinor,
      limitMinor: limitMinor(settings['payments.refund-limit'], payment.currency),
      paidOn,
    });
    requireReason(move, rows);
    return;
  }
  requireApproving(caller);
  if (!isSamePerson(personOf(caller), rows.get(change.id)?.requestedBy ?? '')) return;
  throw refused(
    move,
    'forbidden',
    'A refund of this amount is completed by another person than the one who asked for it.',
  );
}

/** Money goes back the way it came, unless somebody says why not (domain.md SM-4). */
function requireReason(move: Move, rows: Books['rows']): void {
  const { disposition, processNote = [] } = move.change.resource as PaymentReconciliation;
  const method = rows.get(move.payment.refunds?.id ?? '')?.method;
  const isOther = method !== undefined && move.payment.method !== undefined && move.payment.method !== method;
  if (!isOther || disposition?.trim() || processNote.some(({ text }) => text?.trim())) return;
  throw refused(move, 'business-rule', 'Another method than that of the payment needs a reason, as its disposition.');
}

function reopenedOf(move: Move, { allocations, balances, facts }: Books): Reopened[] {
  const { refunds } = move.payment;
  const ofInvoices = move.payment.allocations.filter(({ target }) => target?.type === 'Invoice');
  const groups = Map.groupBy(ofInvoices, ({ target }) => target?.id ?? '');
  // The credit of a note is on no Invoice; a refund of it may name the note itself.
  if (refunds?.type === 'Invoice') {
    if ([...groups.keys()].every((id) => id === refunds.id)) return [];
    throw refused(move, 'business-rule', 'The refund of a credit note reopens no Invoice.');
  }
  return [...groups].map(([invoice, parts]): Reopened => {
    const amountMinor = sumOf(parts.map((part) => part.amountMinor));
    const paid = allocations.find((row) => row.paymentId === refunds?.id && row.invoiceId === invoice);
    const balance = balances.get(invoice);
    if (!balance || amountMinor > (paid?.amountMinor ?? 0n)) {
      throw refused(move, 'conflict', 'Not so much of the payment is on that Invoice.');
    }
    const patientId = facts.get(invoice)?.patientId;
    return { invoice, patient: patientId && `Patient/${patientId}`, balance, amountMinor };
  });
}

/** Where the payment was made in the same transaction, its method was not known before. */
function methodEdits({ change }: Move, { method }: PaymentRow): PaymentEdit[] {
  if (method === undefined || extensionOf(change.resource as PaymentReconciliation, extensionUrls.method)) return [];
  const extension = { url: extensionUrls.method, valueCodeableConcept: methodConcept(method) };
  return [{ paymentId: change.id, edit: (refund) => withExtension(refund, extension) }];
}

/** What is left of a payment after its refunds (contract.md 36, domain.md S3-M2-P1). */
export function netEdits(
  paymentId: string,
  { amountMinor, currency }: { readonly amountMinor: bigint; readonly currency: Payment['currency'] },
  refundedMinor: bigint,
): PaymentEdit[] {
  const edit = (payment: PaymentReconciliation) =>
    withExtension(payment, {
      url: extensionUrls.netAmount,
      valueMoney: exactMoney(amountMinor - refundedMinor, currency),
    });
  return [{ paymentId, edit }];
}

function refused({ change }: Move, code: 'business-rule' | 'conflict' | 'forbidden', diagnostics: string): Error {
  return fhirError(code, diagnostics, { expression: 'PaymentReconciliation', writeIndex: change.index });
}
