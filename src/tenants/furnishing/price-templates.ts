// The lines of a price list for a clinic to fill in: drafts, which no visit is charged by before they are active (contract.md 22, 23; domain.md S2-R1).

import type { ChargeItemDefinition } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';

/** By HL7's codes of appointment reasons, which Appointment.appointmentType is bound to. */
const visitTypes: readonly (readonly [code: string, display: string, title: string])[] = [
  ['ROUTINE', 'Routine appointment - default if not valued', 'Outpatient consultation'],
  ['WALKIN', 'A previously unscheduled walk-in visit', 'Walk-in visit'],
  ['CHECKUP', 'A routine check-up, such as an annual physical', 'Check-up'],
  ['FOLLOWUP', 'A follow up visit from a previous appointment', 'Follow-up visit'],
  ['EMERGENCY', 'Emergency appointment', 'Emergency visit'],
];

const canonical = 'https://hpms.example/fhir/ChargeItemDefinition';

export function priceTemplates(newId: () => string, currency: Currency): ChargeItemDefinition[] {
  return visitTypes.map(([code, display, title]) => ({
    resourceType: 'ChargeItemDefinition',
    id: newId(),
    url: `${canonical}/visit-${code.toLowerCase()}`,
    title,
    status: 'draft',
    description: 'A template: set the price, add taxes and fees, and make it active.',
    code: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0276', code, display }] },
    propertyGroup: [{ priceComponent: [{ type: 'base', amount: { value: 0, currency } }] }],
  }));
}
