// The records of two patients, and those that name both or none, for the attacks on patient and scope limits.

import type { Observation, Resource } from '@medplum/fhirtypes';
import { buildPatient } from '../support/builders.ts';

const categories = 'http://terminology.hl7.org/CodeSystem/observation-category';

export function observation(id: string, patient: string, category = 'laboratory', rest: Partial<Observation> = {}) {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    category: [{ coding: [{ system: categories, code: category }] }],
    code: { text: id },
    subject: { reference: patient },
    ...rest,
  } satisfies Observation;
}

const appointment = (id: string, ...actors: string[]): Resource => ({
  ...{ resourceType: 'Appointment', id, status: 'proposed' },
  participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' as const })),
});

/** Of p1 and p2, each with the same kinds; what names both begins with `both`. */
export const records: readonly Resource[] = [
  { ...buildPatient(), id: 'p1' },
  { ...buildPatient({ link: [{ type: 'seealso', other: { reference: 'Patient/p1' } }] }), id: 'p2' },
  { resourceType: 'Practitioner', id: 'dr1', name: [{ family: 'Doctor' }] },
  { resourceType: 'Practitioner', id: 'dr2', name: [{ family: 'Other' }] },
  { resourceType: 'Organization', id: 'org', name: 'Clinic' },
  ...['p1', 'p2'].flatMap((patient): Resource[] => [
    {
      ...{ resourceType: 'Encounter', id: `visit-${patient}`, status: 'finished', class: { code: 'AMB' } },
      subject: { reference: `Patient/${patient}` },
      participant: [{ individual: { reference: patient === 'p1' ? 'Practitioner/dr1' : 'Practitioner/dr2' } }],
      serviceProvider: { reference: 'Organization/org' },
    },
    observation(`lab-${patient}`, `Patient/${patient}`, 'laboratory', {
      encounter: { reference: `Encounter/visit-${patient}` },
      performer: [{ reference: patient === 'p1' ? 'Practitioner/dr1' : 'Practitioner/dr2' }],
    }),
    observation(`vital-${patient}`, `Patient/${patient}`, 'vital-signs', {
      derivedFrom: [{ reference: `Observation/lab-${patient}` }],
    }),
    appointment(`visit-${patient}`, `Patient/${patient}`, 'Practitioner/dr1'),
    {
      ...{ resourceType: 'List', id: `list-${patient}`, status: 'current', mode: 'working' },
      subject: { reference: `Patient/${patient}` },
      entry: [{ item: { reference: `Observation/lab-${patient}` } }],
    },
    {
      resourceType: 'Binary',
      id: `binary-${patient}`,
      contentType: 'text/plain',
      data: 'eA==',
      securityContext: { reference: `Patient/${patient}` },
    },
    {
      resourceType: 'Provenance',
      id: `prov-${patient}`,
      recorded: '2026-01-01T00:00:00Z',
      target: [{ reference: `Patient/${patient}` }],
      agent: [{ who: { reference: 'Practitioner/dr1' } }],
    },
    {
      resourceType: 'Account',
      id: `account-${patient}`,
      status: 'active',
      subject: [{ reference: `Patient/${patient}` }],
    },
  ]),
  appointment('both', 'Patient/p1', 'Patient/p2'),
  {
    resourceType: 'Account',
    id: 'both',
    status: 'active',
    subject: [{ reference: 'Patient/p1' }, { reference: 'Patient/p2' }],
  },
  {
    resourceType: 'Group',
    id: 'both',
    type: 'person',
    actual: true,
    member: [{ entity: { reference: 'Patient/p1' } }, { entity: { reference: 'Patient/p2' } }],
  },
  {
    resourceType: 'Provenance',
    id: 'both',
    recorded: '2026-01-01T00:00:00Z',
    target: [{ reference: 'Patient/p1' }, { reference: 'Patient/p2' }],
    agent: [{ who: { reference: 'Practitioner/dr1' } }],
  },
  observation('contained', '#p', 'laboratory', {
    contained: [{ ...buildPatient(), id: 'p' }],
    subject: { reference: '#p' },
  }),
  observation('logical', '', 'laboratory', { subject: { identifier: { system: 'urn:mrn', value: 'p1' } } }),
  { resourceType: 'Binary', id: 'binary-open', contentType: 'text/plain', data: 'eA==' },
  ...['p1', 'p2'].map(
    (patient): Resource => ({
      ...{ resourceType: 'Device', id: `device-${patient}`, patient: { reference: `Patient/${patient}` } },
    }),
  ),
];

/** What the app of p1 may have, of the types with records of patients. */
export const ofFirst = [
  'Account/account-p1',
  'Appointment/visit-p1',
  'Device/device-p1',
  'Encounter/visit-p1',
  'List/list-p1',
  'Observation/lab-p1',
  'Observation/vital-p1',
  'Patient/p1',
  'Provenance/prov-p1',
];
