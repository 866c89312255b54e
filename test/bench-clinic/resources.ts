// The bodies of the clinic, in the size and with the elements of those of test/bench.

import type { Invoice, Observation, Resource } from '@medplum/fhirtypes';
import { buildAppointment, buildObservation, buildPatient, buildPractitioner } from '../bench/bodies.ts';
import {
  idOf,
  isOpenInvoice,
  type Kind,
  patientOfInvoice,
  patientOfObservation,
  referenceTo,
  storedAt,
  visitMinutes,
  visitOf,
} from './plan.ts';

export const invoiceSystem = 'https://hospital.example/invoice';
export const invoiceNumberOf = (n: number) => `INV-${String(n).padStart(9, '0')}`;
export const panelCode = 'http://loinc.org|85354-9';

/** As the server would have stored its first version. */
export function storedResource(kind: Kind, n: number, patients: number): Resource {
  const { resourceType, ...rest } = bodyOf(kind, n, patients);
  const meta = { versionId: '1', lastUpdated: storedAt(n).toISOString() };
  return { resourceType, id: idOf(kind, n), meta, ...rest } as Resource;
}

/** As a client sends it. */
export function bodyOf(kind: Kind, n: number, patients: number): Resource {
  switch (kind) {
    case 'Practitioner':
      return buildPractitioner(n);
    case 'Patient':
      return buildPatient(n);
    case 'Appointment':
      return appointmentOf(n, patients);
    case 'Observation':
      return observationOf(n);
    case 'Invoice':
      return invoiceOf(n);
  }
}

function appointmentOf(n: number, patients: number): Resource {
  const { patient, practitioner, start } = visitOf(n, patients);
  const slot = { start, durationMinutes: visitMinutes };
  return buildAppointment(referenceTo('Patient', patient), referenceTo('Practitioner', practitioner), slot);
}

/** Half are panels of blood pressure, half weights. */
function observationOf(n: number): Observation {
  const panel = buildObservation(n, referenceTo('Patient', patientOfObservation(n)));
  if (n % 2 === 0) return panel;
  const { component: _, bodySite: __, ...rest } = panel;
  return {
    ...rest,
    code: { coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Body weight' }] },
    valueQuantity: { value: 50 + (n % 600) / 10, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
  };
}

function invoiceOf(n: number): Invoice {
  const amount = { value: 20 + (n % 400) / 4, currency: 'USD' as const };
  return {
    resourceType: 'Invoice',
    identifier: [{ system: invoiceSystem, value: invoiceNumberOf(n) }],
    status: isOpenInvoice(n) ? 'issued' : 'balanced',
    subject: { reference: referenceTo('Patient', patientOfInvoice(n)) },
    date: storedAt(n).toISOString(),
    lineItem: [
      {
        chargeItemCodeableConcept: { text: 'Follow-up visit' },
        priceComponent: [{ type: 'base', amount }],
      },
    ],
    totalNet: amount,
    totalGross: amount,
  };
}
