// The state machine of Invoices and credit notes as clients see it (domain.md SM-2, SM-2c).

import type { Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { adjustmentReasonSystem, invoiceTypeSystem } from './canonicals.ts';
import type { InvoiceKind } from './invoice-facts.ts';

type Status = Invoice['status'];

/** A status may be sent again; `balanced` and the way back from it are the server's alone. */
const followers: Readonly<Record<Status, readonly Status[]>> = {
  draft: ['issued', 'cancelled', 'entered-in-error'],
  issued: ['cancelled'],
  balanced: ['cancelled'],
  cancelled: [],
  'entered-in-error': [],
};

/** Throws 422 and names the step. */
export function requireFollower(from: Status | undefined, to: Status | undefined): void {
  // FHIR takes an extension for it.
  if (to === undefined) throw refused('An Invoice has a status, for it says whether money is owed.');
  if (to === 'balanced' && from !== 'balanced') {
    throw refused('An Invoice becomes balanced by its payments; no client sets that.');
  }
  if (from === undefined || from === to || followers[from].includes(to)) return;
  throw refused(`An Invoice cannot go from ${from} to ${to}.`);
}

/** Money of another system, stored as it was sent: it has no lines to reckon with (contract.md 50). */
export function isImport({ status, lineItem }: Invoice): boolean {
  return (status === 'issued' || status === 'balanced') && lineItem === undefined;
}

export function isLive({ status }: Pick<Invoice, 'status'>): boolean {
  return status === 'draft' || status === 'issued' || status === 'balanced';
}

export function kindOf(invoice: Invoice): InvoiceKind {
  if (!invoice.type?.coding?.some(({ system, code }) => system === invoiceTypeSystem && code === 'credit-note')) {
    return 'invoice';
  }
  return writeOffReasonOf(invoice) === undefined ? 'credit-note' : 'write-off';
}

const writeOffReasons = ['BAD_DEBT', 'HARDSHIP', 'SMALL_BALANCE'] as const;

/** Of a write-off: what the code of a base component says (contract.md 30). */
export function writeOffReasonOf({ lineItem = [] }: Invoice): (typeof writeOffReasons)[number] | undefined {
  const codings = lineItem
    .flatMap(({ priceComponent = [] }) => priceComponent.filter(({ type }) => type === 'base'))
    .flatMap(({ code }) => code?.coding ?? []);
  const said = new Set(codings.flatMap(({ system, code }) => (system === adjustmentReasonSystem ? code : [])));
  return writeOffReasons.find((reason) => said.has(reason));
}

function refused(diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: 'Invoice.status' });
}
