// An Appointment that was an error is not charged: its drafts are cancelled, and what is issued must be cancelled first (contract.md 26, domain.md SM-1).

import type { Appointment, Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, Content, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import { type InvoiceFacts, readInvoicesOfAppointments } from './invoice-facts.ts';

const enteredInError = 'entered-in-error';

export const refuseBilledMistakes: Rule<void> = {
  name: 'billed-visits-stay',
  type: 'Appointment',
  async run(changes, session) {
    const mistaken = changes.filter(becomesMistake);
    const invoices = await readInvoicesOfAppointments(session, idsOf(mistaken));
    const issued = invoices.find(
      ({ status, isImported }) => !isImported && (status === 'issued' || status === 'balanced'),
    );
    const change = mistaken.find(({ id }) => id === issued?.appointmentId);
    if (change) throw stillIssued(change.index);
  },
};

export const cancelDraftsOfMistakes: Rule<readonly WriteIntent[]> = {
  name: 'drafts-of-mistakes',
  type: 'Appointment',
  async run(changes, session) {
    const invoices = await readInvoicesOfAppointments(session, idsOf(changes.filter(becomesMistake)));
    return invoices.filter(({ status }) => status === 'draft').map(cancelDraft);
  },
};

function becomesMistake({ resource, oldResource }: Change): boolean {
  const status = (resource as Appointment | undefined)?.status;
  return status === enteredInError && (oldResource as Appointment | undefined)?.status !== enteredInError;
}

function idsOf(changes: readonly Change[]): string[] {
  return changes.map(({ id }) => id);
}

/** Somebody may have issued it since it was looked at; its row is locked now. */
function cancelDraft({ id }: InvoiceFacts): WriteIntent {
  const apply = (content: Content): Content => {
    const invoice = content.resource as Invoice;
    if (invoice.status === 'issued' || invoice.status === 'balanced') throw stillIssued();
    const cancelledReason = 'The appointment was entered in error.';
    return { ...content, resource: { ...invoice, status: 'cancelled', cancelledReason } };
  };
  return { action: 'patch', type: 'Invoice', id, apply };
}

function stillIssued(writeIndex?: number): Error {
  return fhirError('conflict', 'An Invoice of this Appointment is issued: cancel that first.', {
    expression: 'Appointment.status',
    ...(writeIndex !== undefined && { writeIndex }),
  });
}
