// Money that comes in: to the Invoices it is for as far as they are open, the rest to the patient's credit (contract.md 31 to 35).

import { sumOf } from '../../fhir/decimal.ts';
import { fhirError } from '../../fhir/outcome.ts';
import { lockAhead } from '../../repository/lock-rows.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import { type InvoiceFacts, readInvoiceFacts } from '../billing/invoice-facts.ts';
import type { WantedAccount } from '../ledger/account-rows.ts';
import type { InvoiceBalance } from '../ledger/invoice-balances.ts';
import type { JournalEntry } from '../ledger/journal.ts';
import { knownBalances, type SettledState } from '../ledger/known-balances.ts';
import { foreseeLedger, foreseeSettlement } from '../ledger/known-ledger.ts';
import { moneyAccount, paymentLines, type Allocation as Settled } from '../ledger/postings.ts';
import { foreseeNumbers } from '../numbers/take-numbers.ts';
import { cutToOutstanding, isCut, withAllocations } from './allocate.ts';
import { extensionUrls } from './canonicals.ts';
import { invoicesOf, withPayer } from './complete-payments.ts';
import type { Move } from './moves.ts';
import { payerOf } from './payer.ts';
import { type Allocation, extensionOf, isMoneyIn, type Payment } from './payment.ts';
import { journalFacts, type PaymentEdit, type Posting, rowOf, sourceOf } from './posting.ts';
import { requireTaking } from './rights.ts';

/** Of moves that have no Invoice in common. */
export async function takePayments(
  session: Session,
  moves: readonly Move[],
  settings: WorkflowSettings,
): Promise<Posting[]> {
  const invoiceIds = moves.flatMap(({ payment }) => (payment.phase === 'posted' ? invoicesOf(payment) : []));
  const [facts, balances] = await Promise.all([
    readInvoiceFacts(session, invoiceIds),
    knownBalances(session, invoiceIds),
  ]);
  const postings: Posting[] = [];
  for (const move of moves) {
    if (move.from === undefined) requireTaking(session.caller, move.payment);
    const isPosted = move.payment.phase === 'posted';
    postings.push(
      isPosted ? await take(session, move, { facts, balances, settings }) : { row: rowOf(move, session.caller) },
    );
  }
  return postings;
}

/** Asks, in the next message, for what the postings of these and what follows from them will need. */
export function foreseeTakings(session: Session, moves: readonly Move[]): void {
  const takings = moves.filter(
    ({ payment }) => isMoneyIn(payment.kind) && payment.phase === 'posted' && payment.method,
  );
  if (takings.length === 0) return;
  const invoices = [...new Set(takings.flatMap(({ payment }) => invoicesOf(payment)))];
  foreseeLedger(session, {
    keys: takings.map(({ change }) => keyOf(change)),
    accounts: takings.flatMap(({ payment }) => accountsOf(payment)),
    invoices,
  });
  if (invoices.length === 0) return;
  for (const currency of new Set(takings.map(({ payment }) => payment.currency))) {
    foreseeSettlement(session, invoices, currency);
  }
  foreseeNumbers(session, 'RCT');
  lockAhead(
    session,
    invoices.map((id) => ({ type: 'Invoice', id })),
  );
}

/** Where the money goes, and where the credit does of what no Invoice is named for. */
function accountsOf(payment: Payment): WantedAccount[] {
  const { method, issuer, allocations, currency } = payment;
  const money = { ...moneyAccount({ method: method ?? '', ...journalFacts(payment) }), currency };
  const isForInvoices = allocations.some(({ target }) => target?.type === 'Invoice');
  if (isForInvoices || issuer?.type !== 'Patient') return [money];
  return [money, { number: '2100', sub: issuer.reference, currency }];
}

function keyOf({ id }: Move['change']): string {
  return `payment ${id}`;
}

interface Books {
  readonly facts: ReadonlyMap<string, InvoiceFacts>;
  readonly balances: ReadonlyMap<string, InvoiceBalance>;
  readonly settings: WorkflowSettings;
}

async function take(session: Session, move: Move, books: Books): Promise<Posting> {
  const { change, payment } = move;
  const { currency, amountMinor, day } = payment;
  requireCurrency(move, books);
  const outstanding = new Map<string, bigint>();
  for (const allocation of payment.allocations) {
    const open = requirePayable(move, allocation, books);
    if (open) outstanding.set(open.invoiceId, open.outstandingMinor);
  }
  const kept = cutToOutstanding(payment.allocations, outstanding);
  const settled = settledOf(kept, books);
  const patientId = await payerOf(session, payment, books.facts);
  const restMinor = amountMinor - sumOf(settled.map((one) => one.amountMinor));
  if (restMinor > 0n && patientId === undefined) throw noPayer(change.index);
  const journal = journalOf(move, settled, patientId);
  return {
    row: { ...rowOf(move, session.caller), patientId },
    journal,
    receipts: settled.map(({ invoice, amountMinor }) => ({
      ...{ paymentId: change.id, invoiceId: invoice, amountMinor, currency, day },
    })),
    edits: editsOf(move, kept, patientId),
    invoiceIds: settled.map(({ invoice }) => invoice),
    states: new Map(settled.map((one) => [one.invoice, stateAfter(one)])),
  };
}

function journalOf(move: Move, settled: readonly Settled[], patientId?: string): JournalEntry {
  const { change, payment } = move;
  const { currency, amountMinor, day, method } = payment;
  const patient = patientId === undefined ? undefined : `Patient/${patientId}`;
  const money = { method: method ?? '', ...journalFacts(payment), amountMinor };
  return {
    type: settled.length > 0 ? 'PAYMENT' : 'DEPOSIT',
    businessDate: day,
    source: sourceOf(move),
    idempotencyKey: keyOf(change),
    currency,
    ...(patient !== undefined && { subject: patient }),
    lines: paymentLines(money, settled, { patient, source: `PaymentReconciliation/${change.id}` }),
    facts: journalFacts(payment),
  };
}

function stateAfter({ balance: { currency, outstandingMinor, paidMinor }, amountMinor }: Settled): SettledState {
  return { currency, outstandingMinor: outstandingMinor - amountMinor, paidMinor: paidMinor + amountMinor };
}

/** One for each Invoice, which may have several parts. */
function settledOf(kept: readonly Allocation[], { facts, balances }: Pick<Books, 'facts' | 'balances'>): Settled[] {
  const ofInvoices = kept.filter(({ target }) => target?.type === 'Invoice');
  const groups = Map.groupBy(ofInvoices, ({ target }) => target?.id ?? '');
  return [...groups].flatMap(([invoice, parts]) => {
    const balance = balances.get(invoice);
    const patientId = facts.get(invoice)?.patientId;
    const amountMinor = sumOf(parts.map((part) => part.amountMinor));
    return balance ? [{ invoice, patient: patientId && `Patient/${patientId}`, balance, amountMinor }] : [];
  });
}

/** Where the Invoice was issued in the same transaction, what is open of it is known only now. */
function editsOf({ change, payment }: Move, kept: readonly Allocation[], patientId: string | undefined): PaymentEdit[] {
  const resource = change.resource as Parameters<typeof extensionOf>[0];
  const lacksPayer = patientId !== undefined && !extensionOf(resource, extensionUrls.issuer);
  const needsCut = !isCut(payment, kept);
  if (!lacksPayer && !needsCut) return [];
  return [
    {
      paymentId: change.id,
      edit(stored) {
        const cut = needsCut ? withAllocations(stored, payment, kept) : stored;
        return lacksPayer ? withPayer(cut, patientId) : cut;
      },
    },
  ];
}

/** Credit is in the clinic's own currency; an Invoice has its own. */
function requireCurrency({ change, payment }: Move, { facts, settings }: Books): void {
  const invoices = invoicesOf(payment).flatMap((id) => facts.get(id) ?? []);
  const wanted = invoices.length > 0 ? invoices.map(({ currency }) => currency) : [settings.currency];
  const other = wanted.find((currency) => currency !== payment.currency);
  if (other === undefined) return;
  const diagnostics = `This is to be paid in ${other}: no rate is known here, so change the money first and post what it came to.`;
  throw fhirError('business-rule', diagnostics, {
    expression: 'PaymentReconciliation.paymentAmount.currency',
    writeIndex: change.index,
  });
}

/** Throws 422 for what is no Invoice to be paid, and 409 for one that cannot be paid as it stands. */
function requirePayable({ change }: Move, { target, index }: Allocation, { facts, balances }: Books) {
  if (target?.type !== 'Invoice') return undefined;
  const refuse = (code: 'business-rule' | 'conflict', diagnostics: string) =>
    fhirError(code, diagnostics, {
      expression: `PaymentReconciliation.detail[${index}].request`,
      writeIndex: change.index,
    });
  const invoice = facts.get(target.id);
  if (!invoice) throw refuse('business-rule', 'There is no such Invoice.');
  if (invoice.kind !== 'invoice') throw refuse('business-rule', 'A credit note is not paid; a refund names it.');
  const balance = balances.get(target.id);
  const isLive = invoice.status === 'issued' || invoice.status === 'balanced';
  if (invoice.isImported) throw refuse('conflict', 'The Invoice is of another system: nothing is owed for it here.');
  if (!isLive || !balance) throw refuse('conflict', `The Invoice is ${invoice.status}: only an issued one is paid.`);
  return { invoiceId: target.id, outstandingMinor: balance.outstandingMinor };
}

function noPayer(writeIndex: number): Error {
  return fhirError(
    'business-rule',
    'What no Invoice takes is credit of a patient: name the patient as paymentIssuer.',
    {
      expression: 'PaymentReconciliation.extension',
      writeIndex,
    },
  );
}
