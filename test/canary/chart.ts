// A person's resources with a canary in every kind of element: https://hl7.org/fhir/R4/patient.html

import type { Appointment, Binary, DocumentReference, Observation, Patient } from '@medplum/fhirtypes';
import { buildAppointment, buildObservation, buildPatient } from '../support/builders.ts';
import type { Canaries } from './canaries.ts';

export function chartPatient(canary: Canaries): Patient {
  return buildPatient({
    meta: {
      source: `https://example.org/${canary.source}`,
      tag: [{ system: 'https://example.org/tags', code: canary.tag }],
    },
    text: {
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>Seen by ${canary.narrative} today.</p></div>`,
    },
    contained: [{ resourceType: 'Organization', id: 'inside', name: canary.contained }],
    extension: [
      { url: 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName', valueString: canary.extension },
    ],
    identifier: [
      { type: { text: 'Medical record' }, system: 'https://example.org/mrn', value: canary.mrn },
      { system: 'http://hl7.org/fhir/sid/us-ssn', value: canary.ssn },
    ],
    name: [
      { id: canary.elementId, text: canary.nameText, family: canary.family, given: [canary.given, canary.middle] },
    ],
    telecom: [
      { system: 'phone', value: canary.phone, use: 'mobile' },
      { system: 'email', value: `${canary.email}@example.org` },
    ],
    birthDate: canary.birthDate,
    address: [{ line: [`12 ${canary.street}`], city: canary.city, country: 'US' }],
    maritalStatus: { text: canary.maritalStatus },
    photo: [{ contentType: 'text/plain', data: Buffer.from(`photo of ${canary.photo}`).toString('base64') }],
    contact: [{ name: { family: canary.contactName }, telecom: [{ system: 'phone', value: canary.contactPhone }] }],
    generalPractitioner: [{ reference: `https://example.org/${canary.generalPractitionerUrl}/fhir/Practitioner/1` }],
    managingOrganization: { reference: '#inside' },
  });
}

export function chartObservation(canary: Canaries, patient: string): Observation {
  const { valueQuantity: _, ...observation } = buildObservation(patient);
  return {
    ...observation,
    subject: { reference: patient, display: canary.display },
    focus: [{ identifier: { system: 'https://example.org/mrn', value: canary.logicalIdentifier } }],
    code: { coding: [{ system: 'https://example.org/codes', code: canary.code }], text: canary.codeText },
    valueString: canary.valueString,
    note: [{ text: `The nurse wrote: ${canary.note}.` }],
  };
}

export function chartBinary(canary: Canaries): Binary {
  const data = Buffer.from(`A scanned letter to ${canary.binaryContent}.`).toString('base64');
  return { resourceType: 'Binary', contentType: 'text/plain', data };
}

/** Long enough for TOAST, and still in its row. */
export function chartLetter(canary: Canaries, patient: string): DocumentReference {
  return letter(patient, Array.from({ length: 4_000 }, (_, n) => `${n} ${canary.longBody}`).join(' '));
}

/** Over 1 MB: its body goes to the object store. */
export function chartRecording(canary: Canaries, patient: string): DocumentReference {
  const half = Array.from({ length: 25_000 }, (_, n) => `${n} ${canary.largeBody}`).join(' ');
  return { ...letter(patient, half), docStatus: 'final', custodian: { display: half } };
}

function letter(patient: string, description: string): DocumentReference {
  return {
    resourceType: 'DocumentReference',
    status: 'current',
    subject: { reference: patient },
    description,
    content: [{ attachment: { contentType: 'text/plain', title: 'Letter' } }],
  };
}

/** A time that nothing else has, for it is stored readable: the control of how PostgreSQL writes moments. */
export const visitStart = '2031-03-03T09:17:00Z';

export function chartAppointment(canary: Canaries, patient: string): Appointment {
  const coding = [{ system: 'https://hpms.example/fhir/CodeSystem/visit-type', code: 'opd' }];
  return buildAppointment(patient, 'Practitioner/dr-amara-osei', {
    appointmentType: { coding, text: canary.visitText },
    comment: canary.comment,
    start: visitStart,
    end: '2031-03-03T09:47:00Z',
  });
}
