// What an Invoice or credit note gets when it is issued: number, date, due date, and how it is paid from the start (domain.md SM-2, contract.md 28, 38, 45).

import type { Invoice } from '@medplum/fhirtypes';
import { type Currency, toMoney } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import { lockAhead } from '../../repository/lock-rows.ts';
import type { Session } from '../../repository/session.ts';
import { keepAmounts } from '../keep-amounts.ts';
import { knownCredits } from '../ledger/known-balances.ts';
import { addIdentifier } from '../numbers/identifiers.ts';
import { takeNumbers } from '../numbers/take-numbers.ts';
import { creditNoteNumberSystem, extensionUrls, invoiceNumberSystem } from './canonicals.ts';
import { chargeItemIdsOf, readChargeItems } from './charge-items.ts';
import { clinicTime, daysAfter } from './clinic-time.ts';
import { type InvoiceKind, readInvoiceFacts } from './invoice-facts.ts';
import { localTarget } from './local-target.ts';
import type { LineComponent } from './price-line.ts';
import { paymentStateOf, withPaymentState } from './refresh-invoices.ts';

/** One that is issued by this write. */
export interface Issue {
  readonly kind: InvoiceKind;
  /** `Patient/x`; undefined where nobody of this clinic's patients is to pay, as over the counter. */
  readonly patient: string | undefined;
  readonly currency: Currency;
  /** Negative for what corrects an Invoice. */
  readonly grossMinor: bigint;
  /** `2026-11-20` */
  readonly issuedOn: string;
  /** By line. */
  readonly components: readonly (readonly LineComponent[])[];
  /** Of what corrects an Invoice: its id. */
  readonly correctsId: string | undefined;
}

const issues = new WeakMap<Change, Issue>();

/** What was found out when the change was prepared; undefined for what issues nothing. */
export function issueOf(change: Change): Issue | undefined {
  return issues.get(change);
}

export function noteIssue(change: Change, issue: Issue): void {
  issues.set(change, issue);
}

/** Throws 422 unless there is a line, and a price for each. */
export function requirePriced(components: Issue['components']): void {
  if (components.length === 0) throw refused('An Invoice is issued with at least one line.', 'Invoice.lineItem');
  const unpriced = components.findIndex((line) => !line.some(({ type }) => type !== 'informational'));
  if (unpriced >= 0) throw refused('This line has no price yet.', `Invoice.lineItem[${unpriced}].priceComponent`);
}

export function patientOf({ subject }: Invoice): string | undefined {
  const target = localTarget(subject);
  return target?.type === 'Patient' ? target.reference : undefined;
}

export interface IssueTerms {
  readonly timezone: string;
  readonly dueDays: number;
  /** Unapplied credit of patients pays what it can. */
  readonly appliesCredit: boolean;
}

/** The caller holds the money lock. All of one write together, in the order of their writes. */
export async function fillIssued(
  session: Session,
  changes: readonly Change[],
  { timezone, dueDays, appliesCredit }: IssueTerms,
): Promise<void> {
  const isInvoice = (change: Change) => issueOf(change)?.kind === 'invoice';
  const invoices = changes.filter(isInvoice);
  const notes = changes.filter((change) => !isInvoice(change));
  const [numbers, noteNumbers, credits] = await Promise.all([
    takeNumbers(session, 'INV', invoices.length),
    takeNumbers(session, 'CN', notes.length),
    appliesCredit ? creditsOf(session, invoices) : new Map<string, bigint>(),
    askAhead(session, invoices),
  ]);
  const at = clinicTime(session.at, timezone);
  for (const [index, change] of invoices.entries()) {
    fill(change, { system: invoiceNumberSystem, value: numbers[index] ?? '' }, at);
    fillInvoice(change, daysAfter(at.slice(0, 10), dueDays), credits);
  }
  for (const [index, change] of notes.entries()) {
    fill(change, { system: creditNoteNumberSystem, value: noteNumbers[index] ?? '' }, at);
  }
  for (const change of changes) keepAmounts(change);
}

/** What the posting of these will want to know, in the message that asks for their numbers. */
async function askAhead(session: Session, invoices: readonly Change[]): Promise<void> {
  const replaced = invoices.filter(({ old }) => old !== undefined);
  const chargeItemIds = [...new Set(invoices.flatMap(({ resource }) => chargeItemIdsOf(resource as Invoice)))];
  lockAhead(
    session,
    chargeItemIds.map((id) => ({ type: 'ChargeItem', id })),
  );
  const [facts] = await Promise.all([
    readInvoiceFacts(
      session,
      replaced.map(({ id }) => id),
    ),
    readChargeItems(session, chargeItemIds),
  ]);
  for (const change of replaced) departments.set(change, facts.get(change.id)?.departmentId);
}

const departments = new WeakMap<Change, string | undefined>();

/** Of the department that a draft was of before it was issued its id. */
export function departmentBefore(change: Change): string | undefined {
  return departments.get(change);
}

function fill(change: Change, number: { system: string; value: string }, at: string): void {
  addIdentifier(change, number);
  Object.assign(change.resource as Invoice, { date: at });
}

function fillInvoice(change: Change, dueOn: string, credits: Map<string, bigint>): void {
  const invoice = change.resource as Invoice;
  const issue = issueOf(change);
  if (!issue) return;
  const { patient, currency, grossMinor } = issue;
  const creditMinor = credits.get(`${patient} ${currency}`) ?? 0n;
  const paidMinor = creditMinor < grossMinor ? creditMinor : grossMinor;
  credits.set(`${patient} ${currency}`, creditMinor - paidMinor);
  const outstandingMinor = grossMinor - paidMinor;
  const state = paymentStateOf({ outstandingMinor, paidMinor });
  Object.assign(invoice, withPaymentState(invoice, state, toMoney(outstandingMinor, currency)));
  if (invoice.extension?.some(({ url }) => url === extensionUrls.dueDate)) return;
  invoice.extension = [...(invoice.extension ?? []), { url: extensionUrls.dueDate, valueDate: dueOn }];
}

/** What payments have left, by patient and currency; credit of notes waits for its refund (contract.md 29). */
async function creditsOf(session: Session, invoices: readonly Change[]): Promise<Map<string, bigint>> {
  const patients = [...new Set(invoices.flatMap((change) => issueOf(change)?.patient ?? []))];
  const sums = new Map<string, bigint>();
  if (patients.length === 0) return sums;
  const credits = [...(await knownCredits(session, patients)).values()].flat();
  for (const { patient, source, currency, amountMinor } of credits) {
    if (!source.startsWith('PaymentReconciliation/')) continue;
    const key = `${patient} ${currency}`;
    sums.set(key, (sums.get(key) ?? 0n) + amountMinor);
  }
  return sums;
}

function refused(diagnostics: string, expression: string): Error {
  return fhirError('business-rule', diagnostics, { expression });
}
