// Each Invoice against its lines, its payments and its entries: I6, I7, I11 of domain.md 3.5; contract.md 25, 28 to 30.

import type { Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import type { Stored } from '../payments/till.ts';
import { type Books, centsOf, extensionOf, sumOf } from './books.ts';
import { isNote, wasIssued } from './check-numbers.ts';
import { isActive, isTaken, kindOf } from './check-payments.ts';
import { type LedgerView, total } from './ledger-view.ts';

export function* checkInvoices(books: Books, ledger: LedgerView): Generator<string> {
  const paid = paidByInvoice(books);
  const noted = new Set(
    books.invoices.filter(isNote).map((note) => extensionOf(note, 'corrects')?.valueReference?.reference),
  );
  for (const invoice of books.invoices) {
    // What was cancelled as a draft is nobody's money.
    if (invoice.status === 'draft' || wasIssued(invoice)) yield* checkTotals(invoice);
    if (isNote(invoice)) yield* checkNote(invoice, ledger);
    else yield* checkPosted(invoice, ledger);
    const reference = `Invoice/${invoice.id}`;
    if (!isNote(invoice) && isLive(invoice)) {
      yield* checkOutstanding(invoice, { paid: paid.get(reference) ?? 0, isNoted: noted.has(reference) }, ledger);
    }
  }
  yield* checkCharges(books);
}

function isLive({ status }: Invoice): boolean {
  return status === 'issued' || status === 'balanced';
}

/** Payments less refunds, in cents. */
function paidByInvoice({ payments }: Books): Map<string, number> {
  const paid = new Map<string, number>();
  for (const payment of payments.filter(isActive)) {
    const sign = signOf(payment);
    for (const { request, amount } of payment.detail ?? []) {
      const target = request?.reference ?? '';
      if (sign !== 0 && target.startsWith('Invoice/'))
        paid.set(target, (paid.get(target) ?? 0) + sign * centsOf(amount));
    }
  }
  return paid;
}

function signOf(payment: PaymentReconciliation): number {
  if (isTaken(payment)) return 1;
  return kindOf(payment) === 'refund' ? -1 : 0;
}

/** 25: totals are the sums of the components. */
function* checkTotals({ id, lineItem = [], totalNet, totalGross }: Stored<Invoice>): Generator<string> {
  const components = lineItem.flatMap(({ priceComponent = [] }) => priceComponent);
  const sumOfTypes = (...types: string[]) =>
    sumOf(components.filter(({ type }) => types.includes(type ?? '')).map(({ amount }) => centsOf(amount)));
  const net = sumOfTypes('base', 'surcharge', 'discount', 'deduction');
  const gross = net + sumOfTypes('tax');
  if (centsOf(totalNet) !== net) yield `25: Invoice/${id} says ${centsOf(totalNet)} net, its lines ${net}`;
  if (centsOf(totalGross) !== gross) yield `25: Invoice/${id} says ${centsOf(totalGross)} gross, its lines ${gross}`;
}

/** I11: a charge where it was issued, its reversal where it was cancelled since, and nothing else. */
function* checkPosted(invoice: Stored<Invoice>, ledger: LedgerView): Generator<string> {
  const journals = ledger.of(`Invoice/${invoice.id}`);
  const charges = journals.filter(({ type }) => type === 'CHARGE');
  const gross = centsOf(invoice.totalGross);
  const expected = wasIssued(invoice) && gross !== 0 ? 1 : 0;
  if (charges.length !== expected) yield `I11: Invoice/${invoice.id} (${invoice.status}) has ${charges.length} charges`;
  const charged = total(
    charges.flatMap(({ entries }) => entries),
    ({ number }) => number === '1200',
  );
  if (charged !== (expected === 0 ? 0 : gross)) yield `I11: Invoice/${invoice.id} of ${gross} is charged ${charged}`;
  const taxes = (invoice.totalPriceComponent ?? []).filter(({ type }) => type === 'tax');
  const tax = expected === 0 ? 0 : sumOf(taxes.map(({ amount }) => centsOf(amount)));
  const owedTax = -total(
    charges.flatMap(({ entries }) => entries),
    ({ number }) => number === '2200',
  );
  if (owedTax !== tax) yield `I14: Invoice/${invoice.id} has ${tax} tax and posted ${owedTax}`;
  if (invoice.status !== 'cancelled') return;
  const owed = total(ledger.entries, (entry) => entry.invoice === `Invoice/${invoice.id}`);
  if (owed !== 0) yield `I9: Invoice/${invoice.id} is cancelled and its entries leave ${owed}`;
}

/** I6, I7. */
function* checkOutstanding(
  invoice: Stored<Invoice>,
  { paid, isNoted }: { readonly paid: number; readonly isNoted: boolean },
  ledger: LedgerView,
): Generator<string> {
  const reference = `Invoice/${invoice.id}`;
  const said = centsOf(extensionOf(invoice, 'outstanding')?.valueMoney);
  const receivable = ledger.entries.filter((entry) => entry.number === '1200' && entry.invoice === reference);
  const corrected = total(receivable, ({ journal }) => ['ADJUSTMENT', 'WRITE_OFF'].includes(ledger.rootType(journal)));
  const told = centsOf(invoice.totalGross) - paid + corrected;
  if (said !== total(receivable)) yield `I6: ${reference} says ${said}, its entries ${total(receivable)}`;
  if (said !== told) yield `I6: ${reference} says ${said}, its payments and corrections ${told}`;
  if (said < 0) yield `I6: ${reference} has ${said} outstanding`;
  if ((said === 0) !== (invoice.status === 'balanced')) yield `I7: ${reference} is ${invoice.status} at ${said}`;
  const state = extensionOf(invoice, 'payment-state')?.valueCode;
  const open = paid > 0 ? 'partial' : 'pending';
  const expected = said === 0 ? 'paid' : open;
  // What a note has made credit of is no payment of the Invoice any more (29).
  const isRight = state === expected || (isNoted && said > 0 && state === 'pending');
  if (!isRight) yield `28: ${reference} is ${state} and not ${expected}`;
}

/** I6, I11: what it takes back is less to pay, or credit, and nothing else. */
function* checkNote(note: Stored<Invoice>, ledger: LedgerView): Generator<string> {
  const journals = ledger.of(`Invoice/${note.id}`).filter(({ type }) => type === 'ADJUSTMENT' || type === 'WRITE_OFF');
  const expected = isLive(note) ? 1 : 0;
  if (journals.length !== expected) yield `I11: the note Invoice/${note.id} is posted ${journals.length} times`;
  const target = extensionOf(note, 'corrects')?.valueReference?.reference;
  const entries = journals.flatMap((journal) => journal.entries);
  const taken = total(entries, ({ number, invoice }) => number === '2100' || (number === '1200' && invoice === target));
  const gross = expected === 0 ? 0 : centsOf(note.totalGross);
  if (taken !== gross) yield `I6: the note Invoice/${note.id} of ${gross} has taken ${taken} from ${target}`;
  if (journals.some(({ type }) => type === 'WRITE_OFF') && entries.some(({ number }) => number === '2100')) {
    yield `30: the write-off Invoice/${note.id} has made credit`;
  }
}

/** SM-2: a ChargeItem is billed where an issued Invoice has it, and is on one Invoice at most. */
function* checkCharges({ chargeItems, invoices }: Books): Generator<string> {
  const lines = invoices
    .filter(({ status }) => status !== 'cancelled' && status !== 'entered-in-error')
    .flatMap(({ id, status, lineItem = [] }) =>
      lineItem.flatMap(({ chargeItemReference: charge }) =>
        charge ? [{ id, status, of: charge.reference ?? '' }] : [],
      ),
    );
  const byCharge = Map.groupBy(lines, ({ of }) => of);
  for (const { id, status } of chargeItems) {
    const [line, another] = byCharge.get(`ChargeItem/${id}`) ?? [];
    if (another) yield `SM-2: ChargeItem/${id} is on Invoice/${line?.id} and on Invoice/${another.id}`;
    const expected = line && line.status !== 'draft' ? 'billed' : 'billable';
    if (status !== expected) yield `SM-2: ChargeItem/${id} is ${status} and not ${expected}`;
  }
}
