// The resources that the bench sends: of the size and with the elements a clinic's own systems send, no two alike.

import { randomUUID } from 'node:crypto';
import type {
  Appointment,
  Bundle,
  BundleEntry,
  Encounter,
  Observation,
  Patient,
  Practitioner,
} from '@medplum/fhirtypes';

export const mrnSystem = 'https://hospital.example/mrn';
const terminology = 'http://terminology.hl7.org/CodeSystem';
const visitNumberSystem = 'https://hospital.example/visit-number';

const families = ['Abara', 'Bergmann', 'Castillo', 'Dubois', 'Eriksen', 'Fontaine', 'Grigoryan', 'Haddad', 'Ivanova'];
const givens = ['Amara', 'Bruno', 'Chiara', 'Dmitri', 'Elena', 'Farid', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Katya'];
const streets = ['Ash Lane', 'Birch Road', 'Cedar Street', 'Dune Way', 'Elm Court', 'Fir Close', 'Grove Terrace'];
const cities = ['Springfield', 'Riverton', 'Lakewood', 'Fairview', 'Georgetown'];

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
const digits = (n: number, length: number) => String(n).padStart(length, '0');

export const mrnOf = (n: number) => `MRN-${digits(n, 9)}`;

/** Spread over ninety years, so that who has the same name is somebody else. */
function birthDateOf(n: number): string {
  return new Date(Date.UTC(1930, 0, 1) + ((n * 7_919) % 32_850) * 86_400_000).toISOString().slice(0, 10);
}

/** Family names repeat with a suffix, as far as those of a large town do. */
export function buildPatient(n: number): Patient {
  const family = `${pick(families, n)}${pick(['', 'son', 'ova', 'berg', 'ton'], n >> 3)}`;
  const given = pick(givens, n * 7);
  return {
    resourceType: 'Patient',
    identifier: [
      {
        use: 'usual',
        type: { coding: [{ system: `${terminology}/v2-0203`, code: 'MR' }] },
        system: mrnSystem,
        value: mrnOf(n),
      },
      { system: 'https://insurer.example/member', value: `M${digits(n * 31, 12)}` },
    ],
    active: true,
    name: [{ use: 'official', text: `${given} ${family}`, family, given: [given, pick(givens, n * 3 + 1)] }],
    telecom: [
      { system: 'phone', value: `+1 555 ${digits(n % 10_000_000, 7)}`, use: 'mobile' },
      { system: 'email', value: `${given}.${family}.${n}@mail.example`.toLowerCase(), use: 'home' },
    ],
    gender: n % 2 === 0 ? 'female' : 'male',
    birthDate: birthDateOf(n),
    address: [
      {
        use: 'home',
        line: [`${1 + (n % 200)} ${pick(streets, n)}`],
        city: pick(cities, n),
        state: 'MA',
        postalCode: digits(n % 99_999, 5),
        country: 'US',
      },
    ],
    maritalStatus: {
      coding: [{ system: `${terminology}/v3-MaritalStatus`, code: 'M', display: 'Married' }],
    },
    communication: [
      { language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en-US', display: 'English' }] }, preferred: true },
    ],
    contact: [
      {
        relationship: [{ coding: [{ system: `${terminology}/v2-0131`, code: 'N' }] }],
        name: { family, given: [pick(givens, n + 5)] },
        telecom: [{ system: 'phone', value: `+1 555 ${digits((n + 1) % 10_000_000, 7)}` }],
      },
    ],
  };
}

/** A blood pressure with its two components. */
export function buildObservation(n: number, subject: string, encounter?: string): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [
      {
        coding: [
          {
            system: `${terminology}/observation-category`,
            code: 'vital-signs',
            display: 'Vital Signs',
          },
        ],
      },
    ],
    code: {
      coding: [{ system: 'http://loinc.org', code: '85354-9', display: 'Blood pressure panel' }],
      text: 'Blood pressure systolic & diastolic',
    },
    subject: { reference: subject },
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    effectiveDateTime: timeOf(n),
    issued: timeOf(n),
    bodySite: { coding: [{ system: 'http://snomed.info/sct', code: '368209003', display: 'Right arm' }] },
    component: [
      pressure('8480-6', 'Systolic blood pressure', 100 + (n % 60)),
      pressure('8462-4', 'Diastolic blood pressure', 60 + (n % 35)),
    ],
  };
}

function pressure(code: string, display: string, value: number) {
  return {
    code: { coding: [{ system: 'http://loinc.org', code, display }] },
    valueQuantity: { value, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
  };
}

export function buildEncounter(n: number, subject: string): Encounter {
  return {
    resourceType: 'Encounter',
    identifier: [{ system: visitNumberSystem, value: `V-${digits(n, 9)}` }],
    status: 'finished',
    class: { system: `${terminology}/v3-ActCode`, code: 'AMB', display: 'ambulatory' },
    type: [{ coding: [{ system: 'http://snomed.info/sct', code: '185349003', display: 'Encounter for check up' }] }],
    subject: { reference: subject },
    period: { start: timeOf(n), end: timeOf(n + 1) },
    reasonCode: [{ coding: [{ system: 'http://snomed.info/sct', code: '38341003', display: 'Hypertension' }] }],
  };
}

export function buildPractitioner(n: number): Practitioner {
  return {
    resourceType: 'Practitioner',
    identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: digits(9_000_000_000 + n, 10) }],
    active: true,
    name: [{ family: pick(families, n), given: [pick(givens, n)], prefix: ['Dr.'] }],
  };
}

/** A follow-up visit, which the demo clinic's price list has. */
export function buildAppointment(
  patient: string,
  practitioner: string,
  { start, durationMinutes }: { readonly start: Date; readonly durationMinutes: number },
): Appointment {
  return {
    resourceType: 'Appointment',
    status: 'booked',
    serviceCategory: [
      { coding: [{ system: `${terminology}/service-category`, code: '17', display: 'General Practice' }] },
    ],
    appointmentType: {
      coding: [
        { system: 'https://hpms.example/fhir/CodeSystem/visit-type', code: 'follow-up', display: 'Follow-up visit' },
      ],
    },
    description: 'Check-up of blood pressure and medication',
    start: start.toISOString(),
    end: new Date(start.getTime() + durationMinutes * 60_000).toISOString(),
    minutesDuration: durationMinutes,
    created: '2026-01-05T08:00:00Z',
    comment: 'Please bring the list of current medicines and the results of the last visit.',
    participant: [
      { actor: { reference: patient, display: 'Patient' }, required: 'required', status: 'accepted' },
      { actor: { reference: practitioner, display: 'Practitioner' }, required: 'required', status: 'accepted' },
    ],
  };
}

/** A transaction of visits: a new patient, the encounter and eight measurements each, tied together by `urn:uuid`. */
export function buildVisits(n: number, visits: number): Bundle {
  const entry: BundleEntry[] = [];
  const add = (resource: Patient | Encounter | Observation) => {
    const fullUrl = `urn:uuid:${randomUUID()}`;
    entry.push({ fullUrl, resource, request: { method: 'POST', url: resource.resourceType } });
    return fullUrl;
  };
  for (let visit = 0; visit < visits; visit++) {
    const patient = add(buildPatient(n * visits + visit));
    const encounter = add(buildEncounter(n * visits + visit, patient));
    for (let count = 0; count < 8; count++) add(buildObservation((n * visits + visit) * 8 + count, patient, encounter));
  }
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

/** Times spread over a year, a minute apart. */
function timeOf(n: number): string {
  return new Date(Date.UTC(2025, 0, 1) + (n % 525_600) * 60_000).toISOString();
}
