// An Appointment that was an error, or is deleted, is not charged: its drafts are cancelled, and what is issued must be cancelled first (contract.md 26, domain.md SM-1).

import type { Appointment, Encounter, Invoice } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, Content, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { type InvoiceFacts, readInvoicesOfAppointments } from './invoice-facts.ts';
import { localTarget } from './local-target.ts';

const enteredInError = 'entered-in-error';

export const refuseBilledMistakes: Rule<void> = {
  name: 'billed-visits-stay',
  type: 'Appointment',
  async run(changes, session) {
    const mistaken = changes.filter(becomesMistake);
    const billed = await billedOf(session, idsOf(mistaken));
    const change = mistaken.find(({ id }) => billed.has(id));
    if (change) throw stillIssued(change.index);
  },
};

/** What was billed rests on it. A visit that stands without its Encounter keeps its draft. */
export const keepBilledEncounters: Rule<void> = {
  name: 'billed-encounters-stay',
  type: 'Encounter',
  async run(changes, session) {
    const deleted = changes.filter(({ resource }) => !resource);
    const billed = await billedOf(session, deleted.flatMap(appointmentsOf));
    const change = deleted.find((one) => appointmentsOf(one).some((id) => billed.has(id)));
    if (change) throw stillIssued(change.index, 'Encounter');
  },
};

export const cancelDraftsOfMistakes: Rule<readonly WriteIntent[]> = {
  name: 'drafts-of-mistakes',
  type: 'Appointment',
  async run(changes, session) {
    const mistaken = changes.filter(becomesMistake);
    const deleted = new Set(idsOf(mistaken.filter(({ resource }) => !resource)));
    const invoices = await readInvoicesOfAppointments(session, idsOf(mistaken));
    return invoices
      .filter(({ status }) => status === 'draft')
      .map((draft) => cancelDraft(draft, deleted.has(draft.appointmentId ?? '') ? 'deleted' : 'entered in error'));
  },
};

/** A deletion says as much. */
function becomesMistake({ resource, oldResource }: Change): boolean {
  const isMistake = !resource || (resource as Appointment).status === enteredInError;
  return isMistake && (oldResource as Appointment | undefined)?.status !== enteredInError;
}

/** Which of these Appointments have an Invoice that is owed or paid. */
async function billedOf(session: Session, appointmentIds: readonly string[]): Promise<Set<string>> {
  const invoices = await readInvoicesOfAppointments(session, appointmentIds);
  const issued = invoices.filter(
    ({ status, isImported }) => !isImported && (status === 'issued' || status === 'balanced'),
  );
  return new Set(issued.flatMap(({ appointmentId }) => appointmentId ?? []));
}

function appointmentsOf({ oldResource }: Change): string[] {
  const { appointment = [] } = (oldResource as Encounter | undefined) ?? {};
  return appointment.flatMap((one) => localTarget(one)?.id ?? []);
}

function idsOf(changes: readonly Change[]): string[] {
  return changes.map(({ id }) => id);
}

/** Somebody may have issued it since it was looked at; its row is locked now. */
function cancelDraft({ id }: InvoiceFacts, was: string): WriteIntent {
  const apply = (content: Content): Content => {
    const invoice = content.resource as Invoice;
    if (invoice.status === 'issued' || invoice.status === 'balanced') throw stillIssued();
    const cancelledReason = `The appointment was ${was}.`;
    return { ...content, resource: { ...invoice, status: 'cancelled', cancelledReason } };
  };
  return { action: 'patch', type: 'Invoice', id, apply };
}

function stillIssued(writeIndex?: number, type = 'Appointment'): Error {
  return fhirError('conflict', `An Invoice of this ${type} is issued: cancel that first.`, {
    expression: `${type}.status`,
    ...(writeIndex !== undefined && { writeIndex }),
  });
}
