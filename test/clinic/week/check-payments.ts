// Each payment against its parts, refunds, receipts and entries, credit by patient, and settled days: I8, I11, I12 of domain.md 3.5; contract.md 34 to 39, 44.

import type { PaymentReconciliation, PaymentReconciliationDetail } from '@medplum/fhirtypes';
import { netAmountOf, type Stored, urls } from '../payments/till.ts';
import { type Books, centsOf, extensionOf, sumOf } from './books.ts';
import { type Entry, type LedgerView, total } from './ledger-view.ts';

type Payment = Stored<PaymentReconciliation>;

const moneyAccounts: Readonly<Record<string, string>> = {
  ...{ CASH: '1010', CCCA: '1020', DEBC: '1020', UPI: '1030', wallet: '1030', DDPO: '1040', CHCK: '1050' },
};

export function* checkPayments(books: Books, ledger: LedgerView): Generator<string> {
  const refunds = books.payments.filter((one) => isActive(one) && kindOf(one) === 'refund');
  const refundsOf = Map.groupBy(refunds, refunded);
  for (const payment of books.payments) {
    yield* checkPosted(payment, ledger);
    if (!isActive(payment)) continue;
    if (isTaken(payment)) yield* checkParts(payment, refundsOf.get(`PaymentReconciliation/${payment.id}`) ?? []);
    if (kindOf(payment) === 'settlement') yield* checkSettlement(payment, books, ledger);
  }
  yield* checkReceipts(books, ledger);
  yield* checkCredit(books, ledger);
}

/** It has moved money and still does. */
export function isActive({ status, outcome }: PaymentReconciliation): boolean {
  return status === 'active' && outcome === 'complete';
}

export function kindOf({ extension = [] }: PaymentReconciliation): string | undefined {
  return extension.find(({ url }) => url === urls.type)?.valueCodeableConcept?.coding?.[0]?.code;
}

/** Money that came in. */
export function isTaken(payment: PaymentReconciliation): boolean {
  return ['payment', 'advance', 'adjustment', 'copay'].includes(kindOf(payment) ?? '');
}

function refunded({ extension = [] }: PaymentReconciliation): string {
  return extension.find(({ url }) => url === urls.refunds)?.valueReference?.reference ?? '';
}

function ofInvoices({ detail = [] }: PaymentReconciliation): PaymentReconciliationDetail[] {
  return detail.filter(({ request }) => request?.reference?.startsWith('Invoice/'));
}

const partsCents = (payment: PaymentReconciliation) => sumOf(ofInvoices(payment).map(({ amount }) => centsOf(amount)));
const amountCents = ({ paymentAmount }: PaymentReconciliation) => centsOf(paymentAmount);
/** Of a refund: what was on no Invoice. */
const creditBack = (refund: PaymentReconciliation) => amountCents(refund) - partsCents(refund);

/** I8. */
function* checkParts(payment: Payment, refunds: readonly Payment[]): Generator<string> {
  const reference = `PaymentReconciliation/${payment.id}`;
  const amount = amountCents(payment);
  const unused = amount - partsCents(payment) - sumOf(refunds.map(creditBack));
  if (!(amount > 0)) yield `I8: ${reference} is of ${amount}`;
  if (!(unused >= 0)) yield `I8: ${reference} is used for ${-unused} more than it is`;
  const back = sumOf(refunds.map(amountCents));
  if (back > amount) yield `I8: of ${reference} of ${amount} is refunded ${back}`;
  const net = netAmountOf(payment);
  if (net !== undefined && Math.round(net * 100) !== amount - back) {
    yield `36: of ${reference} is left ${amount - back} and not ${Math.round(net * 100)}`;
  }
  if (net === undefined && back > 0) yield `36: ${reference} does not say that ${amount - back} is left`;
  yield* checkReopened(payment, refunds);
}

/** I8 for each Invoice: no more goes back than came. */
function* checkReopened(payment: Payment, refunds: readonly Payment[]): Generator<string> {
  const paid = new Map<string, number>();
  const add = (of: Payment, sign: number) => {
    for (const { request, amount } of ofInvoices(of)) {
      const target = request?.reference ?? '';
      paid.set(target, (paid.get(target) ?? 0) + sign * centsOf(amount));
    }
  };
  add(payment, 1);
  for (const refund of refunds) add(refund, -1);
  for (const [invoice, left] of paid) {
    if (left < 0) yield `I8: ${invoice} gave back ${-left} more than PaymentReconciliation/${payment.id} had paid`;
  }
}

/** I11: money that has moved is posted once; what never moved, not at all; what was voided leaves nothing. */
function* checkPosted(payment: Payment, ledger: LedgerView): Generator<string> {
  const kind = kindOf(payment);
  if (kind === undefined || kind === 'settlement') return;
  const reference = `PaymentReconciliation/${payment.id}`;
  const journals = ledger.of(reference);
  const moving = journals.filter(({ type }) => ['PAYMENT', 'DEPOSIT', 'REFUND'].includes(type));
  if (moving.length > 1) yield `I11: ${reference} is posted ${moving.length} times`;
  if (isActive(payment) && moving.length !== 1) yield `I11: ${reference} is active and posted ${moving.length} times`;
  if (payment.outcome === 'queued' && journals.length > 0) yield `37: ${reference} is queued and has journals`;
  const entries = journals.flatMap((journal) => journal.entries);
  const moved = total(entries, ({ number }) => /^10[1-5]0$/.test(number));
  const expected = isActive(payment) ? amountCents(payment) * (kind === 'refund' ? -1 : 1) : 0;
  if (moved !== expected) yield `I11: ${reference} (${payment.status}) has moved ${moved} and not ${expected}`;
  if (isActive(payment)) return;
  for (const [account, of] of Map.groupBy(entries, (entry) => entry.account)) {
    if (total(of) !== 0) yield `I9: ${reference} is ${payment.status} and leaves ${total(of)} in ${account}`;
  }
}

/** 39: what a payment settled when it was made has a receipt for each Invoice, and nothing else has one. */
function* checkReceipts({ receipts, payments }: Books, ledger: LedgerView): Generator<string> {
  const key = (payment: string | undefined, invoice: string | undefined) => `${payment} for ${invoice}`;
  const acknowledged = new Map<string, number>();
  const cancelled = new Set(
    payments.filter(({ status }) => status === 'cancelled').map(({ id }) => `PaymentReconciliation/${id}`),
  );
  for (const { id, status, payment, request, amount } of receipts) {
    const of = key(payment?.reference, request?.reference);
    if (acknowledged.has(of)) yield `39: PaymentNotice/${id} is a second receipt of ${of}`;
    acknowledged.set(of, centsOf(amount));
    const expected = cancelled.has(payment?.reference ?? '') ? 'cancelled' : 'active';
    if (status !== expected) yield `39: PaymentNotice/${id} of ${of} is ${status} and not ${expected}`;
  }
  const settled = ledger.entries.filter(({ number, journal }) => number === '1200' && journal.type === 'PAYMENT');
  const paid = Map.groupBy(settled, ({ journal, invoice }) => key(journal.source, invoice));
  for (const [of, entries] of paid) {
    const said = acknowledged.get(of);
    if (said !== -total(entries)) yield `39: ${of} ${-total(entries)} was paid, and the receipt says ${said}`;
  }
  for (const of of acknowledged.keys()) if (!paid.has(of)) yield `39: there is a receipt of ${of}, and no payment`;
}

/** I8 for all of the clinic, as credit may be of notes too: what nobody has used yet is on 2100, and nobody has less than none. */
function* checkCredit({ payments }: Books, ledger: LedgerView): Generator<string> {
  const credit = ledger.entries.filter(({ number }) => number === '2100');
  for (const [account, entries] of Map.groupBy(credit, (entry) => entry.account)) {
    if (total(entries) > 0) yield `I8: ${account} has ${-total(entries)} credit`;
  }
  const active = payments.filter(isActive);
  const unused = sumOf(active.filter(isTaken).map((one) => amountCents(one) - partsCents(one)));
  const back = sumOf(active.filter((one) => kindOf(one) === 'refund').map(creditBack));
  const noted = -total(credit, ({ journal }) => ledger.rootType(journal) === 'ADJUSTMENT');
  const held = -total(credit);
  if (held !== unused + noted - back)
    yield `I8: 2100 holds ${held}; payments and notes have left ${unused + noted - back}`;
}

/** I12, by method: what was expected is what the drawer's entries of that day are, and over and short is posted. */
function* checkSettlement(settlement: Payment, { payments }: Books, ledger: LedgerView): Generator<string> {
  const reference = `PaymentReconciliation/${settlement.id}`;
  const main = 'Location/main-drawer';
  const drawerOf = (payment: Payment | undefined) =>
    (payment && extensionOf(payment, 'drawer')?.valueReference?.reference) ?? main;
  const drawers = new Map(payments.map((payment) => [`PaymentReconciliation/${payment.id}`, drawerOf(payment)]));
  const isOfDrawer = ({ journal }: Entry) =>
    journal.day === settlement.paymentDate && drawers.get(journal.source) === drawerOf(settlement);
  const isMoney = ({ number }: Entry) => /^10[1-5]0$/.test(number);
  const moved = ledger.entries.filter((entry) => isMoney(entry) && isOfDrawer(entry));
  const brought = moved.filter(({ journal }) => journal.type !== 'OVER_SHORT');
  if (amountCents(settlement) !== total(brought)) {
    yield `I12: ${reference} expects ${amountCents(settlement)}, its drawer had ${total(brought)}`;
  }
  const lines = Map.groupBy(settlement.detail ?? [], ({ type }) => moneyAccounts[type.coding?.[0]?.code ?? ''] ?? '');
  for (const [number, details] of lines) {
    const expected = sumOf(details.map(({ amount }) => centsOf(amount)));
    const variance = sumOf(details.map((detail) => centsOf(extensionOf(detail, 'variance')?.valueMoney)));
    const counted = sumOf(details.map((detail) => centsOf(extensionOf(detail, 'counted')?.valueMoney)));
    const had = total(brought, (entry) => entry.number === number);
    if (expected !== had) yield `I12: ${reference} expects ${expected} on ${number}, its drawer had ${had}`;
    if (variance !== counted - expected) yield `44: ${reference}: ${counted} - ${expected} is not ${variance}`;
    const posted = total(
      ledger.of(reference).flatMap(({ entries }) => entries),
      (entry) => entry.number === number,
    );
    if (posted !== variance) yield `I12: ${reference} has posted ${posted} on ${number}, its variance is ${variance}`;
  }
}
