// Minimal valid R4 resources: what a test does not name is there only because the definitions or contract.md demand it.

import type {
  Appointment,
  Bundle,
  BundleEntry,
  ChargeItemDefinition,
  Location,
  Observation,
  Organization,
  Patient,
  Practitioner,
  PractitionerRole,
  Resource,
  Schedule,
  Slot,
} from '@medplum/fhirtypes';

/** https://hl7.org/fhir/R4/patient.html */
export function buildPatient(overrides: Partial<Patient> = {}): Patient {
  return {
    resourceType: 'Patient',
    name: [{ family: 'Muster', given: ['Eva'] }],
    gender: 'female',
    birthDate: '1980-02-29',
    ...overrides,
  };
}

export function buildPractitioner(overrides: Partial<Practitioner> = {}): Practitioner {
  return { resourceType: 'Practitioner', active: true, name: [{ family: 'Arzt', given: ['Karl'] }], ...overrides };
}

export function buildOrganization(overrides: Partial<Organization> = {}): Organization {
  return { resourceType: 'Organization', active: true, name: 'Clinic', ...overrides };
}

/** The department of a visit is the `organization` of the practitioner's role: contract.md 23. */
export function buildPractitionerRole(
  practitioner: string,
  organization: string,
  overrides: Partial<PractitionerRole> = {},
): PractitionerRole {
  return {
    resourceType: 'PractitionerRole',
    active: true,
    practitioner: { reference: practitioner },
    organization: { reference: organization },
    ...overrides,
  };
}

export function buildLocation(overrides: Partial<Location> = {}): Location {
  return { resourceType: 'Location', status: 'active', name: 'Room 1', ...overrides };
}

/** Mondays 9 to 13 UTC in slots of 30 minutes; for other hours give `extension`: contract.md 17. */
export function buildSchedule(actor: string, overrides: Partial<Schedule> = {}): Schedule {
  const minutes = { value: 30, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' };
  const repeat = {
    dayOfWeek: ['mon' as const],
    timeOfDay: ['09:00:00'],
    duration: 4,
    durationUnit: 'h' as const,
    frequency: 1,
    period: 1,
    periodUnit: 'wk' as const,
  };
  return {
    resourceType: 'Schedule',
    active: true,
    actor: [{ reference: actor }],
    extension: [
      {
        url: 'https://hpms.example/fhir/StructureDefinition/scheduling-parameters',
        extension: [
          { url: 'timezone', valueCode: 'UTC' },
          { url: 'duration', valueDuration: minutes },
          { url: 'availability', valueTiming: { repeat } },
        ],
      },
    ],
    ...overrides,
  };
}

export function buildSlot(schedule: string, overrides: Partial<Slot> = {}): Slot {
  return {
    resourceType: 'Slot',
    schedule: { reference: schedule },
    status: 'busy',
    start: '2026-11-23T09:00:00Z',
    end: '2026-11-23T09:30:00Z',
    ...overrides,
  };
}

/** Booked on Monday 2026-11-23 at 9:00 for half an hour. */
export function buildAppointment(
  patient: string,
  practitioner: string,
  overrides: Partial<Appointment> = {},
): Appointment {
  return {
    resourceType: 'Appointment',
    status: 'booked',
    appointmentType: { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/visit-type', code: 'consultation' }] },
    start: '2026-11-23T09:00:00Z',
    end: '2026-11-23T09:30:00Z',
    participant: [
      { actor: { reference: patient }, status: 'accepted' },
      { actor: { reference: practitioner }, status: 'accepted' },
    ],
    ...overrides,
  };
}

/** The price of the visit type that `buildAppointment` has: contract.md 22. */
export function buildPrice(amount: number, overrides: Partial<ChargeItemDefinition> = {}): ChargeItemDefinition {
  return {
    resourceType: 'ChargeItemDefinition',
    url: 'https://hpms.example/fhir/ChargeItemDefinition/consultation',
    status: 'active',
    code: { coding: [{ system: 'https://hpms.example/fhir/CodeSystem/visit-type', code: 'consultation' }] },
    propertyGroup: [{ priceComponent: [{ type: 'base', amount: { value: amount, currency: 'USD' } }] }],
    ...overrides,
  };
}

export function buildObservation(subject: string, overrides: Partial<Observation> = {}): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    subject: { reference: subject },
    effectiveDateTime: '2026-11-20T08:00:00Z',
    valueQuantity: { value: 72, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
    ...overrides,
  };
}

/** A POST per resource; its `id`, when it has one, becomes the `urn:uuid` that others refer to: https://hl7.org/fhir/R4/bundle.html#references */
export function buildTransaction(resources: readonly Resource[]): Bundle {
  const entry = resources.map((resource): BundleEntry => {
    const { id, ...body } = resource;
    return {
      ...(id === undefined ? {} : { fullUrl: `urn:uuid:${id}` }),
      resource: body as Resource,
      request: { method: 'POST', url: resource.resourceType },
    };
  });
  return { resourceType: 'Bundle', type: 'transaction', entry };
}
