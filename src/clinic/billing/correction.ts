// Credit notes and write-offs: which Invoice they correct, by how much at most, and who may issue them (contract.md 29, 30).

import type { Invoice } from '@medplum/fhirtypes';
import { type Currency, formatAmount } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { InvoiceBalance } from '../ledger/invoice-balances.ts';
import { knownBalances } from '../ledger/known-balances.ts';
import { creditableMinor } from '../ledger/postings.ts';
import { isBilling } from './billing-roles.ts';
import { adjustmentReasonSystem, extensionUrls } from './canonicals.ts';
import { type InvoiceFacts, readCorrections, readInvoiceFacts } from './invoice-facts.ts';
import { kindOf } from './invoice-status.ts';
import { localTarget } from './local-target.ts';

export interface Correction {
  readonly invoice: Invoice;
  /** Of its amounts. */
  readonly currency: Currency;
  /** Negative. */
  readonly grossMinor: bigint;
  /** What corrections of the same write take from the same Invoice before this one. */
  readonly earlierMinor: bigint;
}

/** Throws 403, 409 or 422; gives the Invoice that is corrected. The caller holds the money lock. */
export async function requireCorrectable(
  session: Session,
  { invoice, currency, grossMinor, earlierMinor }: Correction,
): Promise<InvoiceFacts> {
  const isWriteOff = kindOf(invoice) === 'write-off';
  requireRight(session.caller, isWriteOff);
  if (isWriteOff) requireOneReason(invoice);
  const id = correctedIdOf(invoice);
  if (id === undefined) throw refused('A credit note names the Invoice it corrects.', 'Invoice.extension');
  if (grossMinor >= 0n)
    throw refused('A credit note takes something back: its amount is negative.', 'Invoice.lineItem');
  const [facts, balances, corrections] = await Promise.all([
    readInvoiceFacts(session, [id]),
    knownBalances(session, [id]),
    readCorrections(session, [id]),
  ]);
  const corrected = facts.get(id);
  const balance = balances.get(id);
  if (!corrected || !balance || !isCorrectable(corrected)) {
    throw conflict(
      'Only an Invoice that was issued here, and is not cancelled, can be corrected.',
      'Invoice.extension',
    );
  }
  if (corrected.currency !== currency)
    throw refused('An Invoice is corrected in its own currency.', 'Invoice.lineItem');
  requireSamePatient(invoice, corrected);
  requireWithin({ amountMinor: -grossMinor + earlierMinor, isWriteOff, corrected, balance, corrections });
  return corrected;
}

export function correctedIdOf({ extension = [] }: Invoice): string | undefined {
  const target = localTarget(extension.find(({ url }) => url === extensionUrls.corrects)?.valueReference);
  return target?.type === 'Invoice' ? target.id : undefined;
}

interface Wanted {
  readonly amountMinor: bigint;
  readonly isWriteOff: boolean;
  readonly corrected: InvoiceFacts;
  readonly balance: InvoiceBalance;
  readonly corrections: readonly InvoiceFacts[];
}

/** All notes together take at most the gross, and no more than what is outstanding or was really paid. */
function requireWithin({ amountMinor, isWriteOff, corrected, balance, corrections }: Wanted): void {
  const { outstandingMinor, paidMinor, creditedMinor } = balance;
  const notes = corrections.filter(({ kind, status }) => kind === 'credit-note' && isIssued(status));
  const notedMinor = notes.reduce((sum, { grossMinor }) => sum - grossMinor, 0n);
  const keptMinor = paidMinor - (notedMinor - creditedMinor);
  const limits = [creditableMinor(balance), corrected.grossMinor - notedMinor, outstandingMinor + keptMinor];
  const [limitMinor = 0n] = isWriteOff ? [outstandingMinor] : limits.toSorted((a, b) => (a < b ? -1 : 1));
  if (amountMinor <= limitMinor) return;
  const left = formatAmount(limitMinor > 0n ? limitMinor : 0n, corrected.currency);
  const what = isWriteOff ? 'written off' : 'credited';
  throw conflict(`Of this Invoice ${left} ${corrected.currency} can still be ${what}.`, 'Invoice.totalGross');
}

function isCorrectable({ kind, status, isImported }: InvoiceFacts): boolean {
  return kind === 'invoice' && isIssued(status) && !isImported;
}

function isIssued(status: Invoice['status']): boolean {
  return status === 'issued' || status === 'balanced';
}

function requireSamePatient(invoice: Invoice, { patientId }: InvoiceFacts): void {
  const reference = patientId && `Patient/${patientId}`;
  if (invoice.subject === undefined && reference !== undefined) invoice.subject = { reference };
  const target = localTarget(invoice.subject);
  if ((target?.type === 'Patient' ? target.reference : undefined) === reference) return;
  throw refused('A credit note is for the patient of the Invoice it corrects.', 'Invoice.subject');
}

/** Money is given up by one reason: a line without it would hide a credit note in a write-off. */
function requireOneReason({ lineItem = [] }: Invoice): void {
  const bases = lineItem
    .flatMap(({ priceComponent = [] }) => priceComponent)
    .filter(({ type }) => type !== 'informational');
  const reasons = bases.map(({ type, code }) => {
    const coding = code?.coding?.find(({ system }) => system === adjustmentReasonSystem);
    return type === 'base' ? coding?.code : undefined;
  });
  if (new Set(reasons).size <= 1 && reasons[0] !== undefined) return;
  throw refused('A write-off has base components only, all with the same reason.', 'Invoice.lineItem');
}

const writeOffRight = 'op:write-off';

/** A credit note is what the scopes of a client without a role allow, a write-off is not. */
function requireRight(caller: Session['caller'], isWriteOff: boolean): void {
  const { kind, roles, operations } = caller;
  const isAllowed = isWriteOff ? operations?.has(writeOffRight) || roles.has('clinic-admin') : isBilling(caller);
  if (kind === 'server' || isAllowed) return;
  const who = isWriteOff ? 'Write-offs are for billing managers' : 'Credit notes are for billing staff';
  throw fhirError('forbidden', `${who} and clinic administrators.`, { expression: 'Invoice.status' });
}

function refused(diagnostics: string, expression: string): Error {
  return fhirError('business-rule', diagnostics, { expression });
}

function conflict(diagnostics: string, expression: string): Error {
  return fhirError('conflict', diagnostics, { expression });
}
