// The clinic of the tenant `demo`: its organization, rooms, people, visit types and prices (domain.md sections 1 and 5, contract.md 17, 22).

import type { HealthcareService, Location, Organization, Patient, Resource } from '@medplum/fhirtypes';
import type { AccountDetails } from '../src/people/accounts.ts';
import type { RoleSlug } from '../src/people/roles.ts';
import { demoPractitioners } from './demo-practitioners.ts';
import { demoPrices, visitTypes } from './demo-prices.ts';

/** Each resource stands behind those it refers to, so that they can be written one by one. */
export function demoClinic(): Resource[] {
  return [
    clinic,
    ...departments,
    site,
    ...rooms,
    ...services,
    ...demoPractitioners(),
    visitTypes,
    ...demoPrices,
    patient,
  ];
}

/** One account per role; who sees patients has the Practitioner that "own" is about, and the patient the Patient. */
export const demoStaff: readonly (AccountDetails & { readonly roles: readonly [RoleSlug] })[] = [
  account('system-admin', 'Sasha Operator'),
  account('clinic-admin', 'Clara Admin'),
  account('provider', 'Dr. Amara Osei', 'Practitioner/dr-amara-osei'),
  account('nurse', 'Emeka Ruiz', 'Practitioner/nurse-emeka-ruiz'),
  account('front-desk', 'Frida Desk'),
  account('cashier', 'Casimir Till'),
  account('billing-manager', 'Bianca Ledger'),
  account('billing-staff', 'Benno Invoice'),
  account('pharmacist', 'Philippa Dose'),
  account('optical-staff', 'Otis Lens'),
  account('lab-technician', 'Tekla Sample'),
  account('lab-manager', 'Malik Assay'),
  account('inventory-manager', 'Ines Stock'),
  account('auditor', 'Audra Trail'),
  account('patient', 'Paul Sample', 'Patient/paul-sample'),
];

function account(role: RoleSlug, name: string, practitioner?: string) {
  return {
    email: `${role}@example.org`,
    name,
    roles: [role] as const,
    ...(practitioner === undefined ? {} : { practitioner }),
  };
}

const organizationType = 'http://terminology.hl7.org/CodeSystem/organization-type';

const clinic: Organization = {
  resourceType: 'Organization',
  id: 'demo-clinic',
  active: true,
  type: [{ coding: [{ system: organizationType, code: 'prov', display: 'Healthcare Provider' }] }],
  name: 'Demo Clinic',
  telecom: [
    { system: 'phone', value: '+1-555-0100', use: 'work' },
    { system: 'email', value: 'desk@example.org', use: 'work' },
  ],
  address: [{ use: 'work', line: ['1 Example Street'], city: 'Sampleton', postalCode: '00001', country: 'US' }],
};

const departments = [
  department('general-practice', 'General Practice'),
  department('cardiology', 'Cardiology'),
  department('pediatrics', 'Pediatrics'),
  department('emergency', 'Emergency'),
];

function department(id: string, name: string): Organization & { readonly id: string; readonly name: string } {
  return {
    resourceType: 'Organization',
    id,
    active: true,
    type: [{ coding: [{ system: organizationType, code: 'dept', display: 'Hospital Department' }] }],
    name,
    partOf: { reference: 'Organization/demo-clinic' },
  };
}

const site: Location = {
  resourceType: 'Location',
  id: 'demo-clinic-site',
  status: 'active',
  name: 'Demo Clinic, Sampleton',
  mode: 'instance',
  physicalType: physicalType('si', 'Site'),
  address: { use: 'work', line: ['1 Example Street'], city: 'Sampleton', postalCode: '00001', country: 'US' },
  managingOrganization: { reference: 'Organization/demo-clinic' },
};

const rooms: readonly Location[] = [
  room('room-1', 'Room 1', 'Organization/general-practice'),
  room('room-2', 'Room 2, cardiology', 'Organization/cardiology'),
];

/** A room takes one visit at a time (contract.md 11) and says which department the visit is of (contract.md 23). */
function room(id: string, name: string, managingOrganization: string): Location {
  return {
    resourceType: 'Location',
    id,
    status: 'active',
    name,
    mode: 'instance',
    physicalType: physicalType('ro', 'Room'),
    managingOrganization: { reference: managingOrganization },
    partOf: { reference: 'Location/demo-clinic-site' },
  };
}

function physicalType(code: string, display: string) {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/location-physical-type', code, display }] };
}

/** Whose records the account of a patient opens: without one it would open none. */
const patient: Patient = {
  resourceType: 'Patient',
  id: 'paul-sample',
  active: true,
  name: [{ use: 'official', family: 'Sample', given: ['Paul'] }],
  telecom: [{ system: 'email', value: 'patient@example.org', use: 'home' }],
  gender: 'male',
  birthDate: '1984-04-12',
  address: [{ use: 'home', line: ['12 Example Street'], city: 'Sampleton', postalCode: '00001', country: 'US' }],
};

const services = departments.map(
  ({ id, name }): HealthcareService => ({
    resourceType: 'HealthcareService',
    id: `${id}-visits`,
    active: true,
    providedBy: { reference: `Organization/${id}` },
    location: [{ reference: 'Location/demo-clinic-site' }],
    name: `${name}: visits`,
    appointmentRequired: id !== 'emergency',
  }),
);
