// The resources a completed visit is charged with: ChargeItem, draft Invoice, and a Task where no price was found (contract.md 26).

import type { Appointment, ChargeItem, CodeableConcept, Invoice, Reference, Task } from '@medplum/fhirtypes';
import { type Currency, toMoney } from '../../fhir/money.ts';
import { autoInvoiceSystem, taskCodeSystem } from './canonicals.ts';
import { toPriceComponent, totalsOf } from './invoice-amounts.ts';
import type { Price } from './price.ts';
import type { LineComponent } from './price-line.ts';
import type { VisitFacts } from './visit-facts.ts';

export interface Draft {
  readonly appointment: Appointment;
  readonly visit: VisitFacts;
  /** Undefined: nobody knows the price yet. */
  readonly price: Price | undefined;
  /** Why it costs nothing, where it does not. */
  readonly free: string | undefined;
  readonly components: readonly LineComponent[];
  readonly currency: Currency;
  /** When it is made. */
  readonly at: Date;
  readonly chargeItemId: string;
  readonly invoiceId: string;
}

/** The Invoice, then what belongs to it. */
export function draftResources(draft: Draft): [Invoice, ...(ChargeItem | Task)[]] {
  const { patient } = draft.visit;
  return [
    invoiceOf(draft),
    ...(patient ? [chargeItemOf(draft, patient)] : []),
    ...(draft.price ? [] : [pricingTask(draft)]),
  ];
}

function invoiceOf(draft: Draft): Invoice {
  const { appointment, visit, components, currency, at, chargeItemId, invoiceId } = draft;
  return {
    resourceType: 'Invoice',
    id: invoiceId,
    identifier: [{ system: autoInvoiceSystem, value: appointment.id ?? '' }],
    status: 'draft',
    ...(visit.patient && { subject: visit.patient as NonNullable<Invoice['subject']> }),
    date: at.toISOString(),
    ...(visit.practitioners.size > 0 && { participant: actorsOf(visit) }),
    lineItem: [
      {
        sequence: 1,
        // A ChargeItem must have a subject: without a patient the line says by itself what is charged.
        ...(visit.patient
          ? { chargeItemReference: { reference: `ChargeItem/${chargeItemId}` } }
          : { chargeItemCodeableConcept: codeOf(draft) }),
        priceComponent: components.map((component) => toPriceComponent(component, currency)),
      },
    ],
    ...totalsOf(components, currency),
  };
}

function chargeItemOf(draft: Draft, patient: Reference): ChargeItem {
  const { appointment, visit, price, free, currency, at, chargeItemId } = draft;
  const { id, start, end } = appointment;
  const [department] = visit.departments;
  return {
    resourceType: 'ChargeItem',
    id: chargeItemId,
    status: 'billable',
    ...(price && { definitionCanonical: [price.canonical] }),
    code: codeOf(draft),
    subject: patient as ChargeItem['subject'],
    ...(visit.encounter && { context: { reference: visit.encounter } }),
    ...(start !== undefined && { occurrencePeriod: { start, ...(end !== undefined && { end }) } }),
    ...(visit.practitioners.size > 0 && { performer: actorsOf(visit) }),
    ...(department !== undefined && { performingOrganization: { reference: department } }),
    quantity: { value: 1 },
    ...(free !== undefined && { priceOverride: toMoney(0n, currency), overrideReason: free }),
    enteredDate: at.toISOString(),
    supportingInformation: [{ reference: `Appointment/${id}` }],
  };
}

/** One per Appointment, as the Invoice is: https://hl7.org/fhir/R4/task.html */
function pricingTask({ visit, at, invoiceId }: Draft): Task {
  return {
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    code: { coding: [{ system: taskCodeSystem, code: 'pricing-missing' }] },
    description: 'No price fits this visit: price the line of the draft Invoice.',
    focus: { reference: `Invoice/${invoiceId}` },
    ...(visit.patient && { for: visit.patient }),
    ...(visit.encounter && { encounter: { reference: visit.encounter } }),
    authoredOn: at.toISOString(),
  };
}

function actorsOf({ practitioners }: VisitFacts): { actor: { reference: string } }[] {
  return [...practitioners].map((reference) => ({ actor: { reference } }));
}

function codeOf({ price, appointment }: Draft): CodeableConcept {
  return price?.code ?? appointment.appointmentType ?? appointment.serviceType?.[0] ?? { text: 'Visit' };
}
