// Random rights over random records, and a plain description of who may see which, made without the server's own rules.

import type { Resource } from '@medplum/fhirtypes';
import fc from 'fast-check';
import type { Caller, Grant, Permission } from '../../src/access/caller.ts';
import { buildPatient } from '../support/builders.ts';
import { observation } from './records.ts';

/** What a record is, as far as rights go. */
export interface Spec {
  readonly type: 'Patient' | 'Observation' | 'Encounter' | 'Appointment' | 'Organization' | 'Task';
  readonly id: string;
  /** Patients it names, in the elements that R4's compartment goes by. */
  readonly patients: readonly string[];
  readonly practitioner?: string;
  readonly category?: string;
  readonly isFinal: boolean;
  readonly encounter?: string;
}

export const patients = ['p1', 'p2', 'p3'];
const practitioners = ['d1', 'd2'];
const categories = ['laboratory', 'vital-signs'];

const drawn = fc.record({
  type: fc.constantFrom('Observation' as const, 'Encounter' as const, 'Appointment' as const, 'Task' as const),
  patients: fc.subarray(patients, { minLength: 0, maxLength: 2 }),
  practitioner: fc.option(fc.constantFrom(...practitioners), { nil: undefined }),
  category: fc.option(fc.constantFrom(...categories), { nil: undefined }),
  isFinal: fc.boolean(),
});

export const world: fc.Arbitrary<readonly Spec[]> = fc.array(drawn, { minLength: 25, maxLength: 25 }).map((some) => {
  const records = some.map((one, n): Spec => {
    // An Encounter has one subject, and an Observation another patient only as its performer.
    const named = one.type === 'Encounter' ? one.patients.slice(0, 1) : one.patients;
    const { practitioner, category, ...rest } = one;
    return {
      ...rest,
      ...{ id: `${one.type.toLowerCase()}-${n}`, patients: named },
      ...(practitioner !== undefined && { practitioner }),
      ...(one.type === 'Observation' && category !== undefined && { category }),
    };
  });
  const encounters = records.filter(({ type }) => type === 'Encounter');
  return [
    ...patients.map((id): Spec => ({ type: 'Patient', id, patients: [id], isFinal: true })),
    { type: 'Organization', id: 'org', patients: [], isFinal: true },
    ...records.map((one, n) => {
      const visit = encounters[n % Math.max(encounters.length, 1)];
      return one.type === 'Observation' && visit ? { ...one, encounter: visit.id } : one;
    }),
  ];
});

const grant: fc.Arbitrary<Grant> = fc
  .record({
    context: fc.constantFrom('user' as const, 'patient' as const),
    type: fc.constantFrom('*', 'Patient', 'Observation', 'Encounter', 'Appointment', 'Organization', 'Task'),
    // Reading and finding go together, so that all doors of reading show the same.
    permissions: fc.constantFrom('rs', 'rsu', 'rsd').map((text) => new Set([...text] as Permission[])),
    constraint: fc.option(fc.constantFrom('category=laboratory', 'category=vital-signs', 'status=final'), {
      nil: undefined,
    }),
    isOwn: fc.option(fc.constant(true as const), { nil: undefined, freq: 2 }),
  })
  .map(({ constraint, isOwn, ...rest }) => ({
    ...rest,
    ...(constraint !== undefined && { constraints: [constraint] }),
    ...(isOwn && { isOwn }),
  }));

export const rights: fc.Arbitrary<Pick<Caller, 'grants' | 'patient' | 'fhirUser'>> = fc
  .record({
    grants: fc.array(grant, { minLength: 1, maxLength: 4 }),
    patient: fc.option(fc.constantFrom(...patients), { nil: undefined, freq: 5 }),
    fhirUser: fc.option(fc.constantFrom('Practitioner/d1', 'Patient/p1'), { nil: undefined, freq: 5 }),
  })
  .map(({ grants, patient, fhirUser }) => ({
    grants,
    ...(patient !== undefined && { patient }),
    ...(fhirUser !== undefined && { fhirUser }),
  }));

export function toResource({ type, id, patients: named, practitioner, category, isFinal, encounter }: Spec): Resource {
  const [first, second] = named.map((one) => ({ reference: `Patient/${one}` }));
  const doctor = practitioner === undefined ? undefined : { reference: `Practitioner/${practitioner}` };
  switch (type) {
    case 'Patient':
      return { ...buildPatient(), id };
    case 'Organization':
      return { resourceType: 'Organization', id, name: 'Clinic' };
    case 'Task':
      return {
        resourceType: 'Task',
        id,
        status: isFinal ? 'completed' : 'draft',
        intent: 'order',
        ...(doctor && { owner: doctor }),
        ...(first && { for: first }),
      };
    case 'Encounter':
      return {
        ...{ resourceType: 'Encounter', id, status: isFinal ? 'finished' : 'planned', class: { code: 'AMB' } },
        serviceProvider: { reference: 'Organization/org' },
        ...(first && { subject: first }),
        ...(doctor && { participant: [{ individual: doctor }] }),
      };
    case 'Appointment':
      return {
        ...{ resourceType: 'Appointment', id, status: 'proposed' },
        participant: [...[first, second, doctor].flatMap((actor) => actor ?? []), { display: 'x' }].map((one) => ({
          ...('display' in one ? { type: [{ text: 'x' }] } : { actor: one }),
          status: 'accepted' as const,
        })),
      };
    case 'Observation': {
      const { category: _, subject: __, ...rest } = observation(id, 'Patient/x', category);
      return {
        ...rest,
        status: isFinal ? 'final' : 'preliminary',
        ...(category !== undefined && { category: observation(id, '', category).category }),
        ...(first && { subject: first }),
        ...((doctor ?? second) && { performer: [doctor, second].flatMap((one) => one ?? []) }),
        ...(encounter !== undefined && { encounter: { reference: `Encounter/${encounter}` } }),
      };
    }
  }
}

type Holder = Pick<Caller, 'grants' | 'patient' | 'fhirUser'>;

/** True when the caller may do this to the record, told from the description of both. */
export function allows(caller: Holder, letter: Permission, spec: Spec): boolean {
  return caller.grants.some((one) => {
    if ((one.type !== '*' && one.type !== spec.type) || !one.permissions.has(letter)) return false;
    if (one.context === 'patient' && !isOfPatient(caller.patient, letter, spec)) return false;
    if (one.isOwn && !isOwn(caller.fhirUser, spec)) return false;
    return (one.constraints ?? []).every((constraint) => meets(constraint, spec));
  });
}

function isOfPatient(patient: string | undefined, letter: Permission, { type, id, patients: named }: Spec): boolean {
  if (patient === undefined || type === 'Task') return false;
  if (type === 'Organization') return letter === 'r' || letter === 's';
  if (type === 'Patient') return id === patient;
  return named.length === 1 && named[0] === patient;
}

function isOwn(fhirUser: string | undefined, spec: Spec): boolean {
  if (fhirUser === undefined) return false;
  if (fhirUser === 'Patient/p1') return spec.type !== 'Organization' && isOfPatient('p1', 'r', spec);
  return spec.type !== 'Patient' && spec.type !== 'Organization' && spec.practitioner === 'd1';
}

/** A type that has not the parameter meets nothing. */
function meets(constraint: string, { type, category, isFinal }: Spec): boolean {
  if (constraint === 'status=final') return type === 'Observation' && isFinal;
  return type === 'Observation' && category === constraint.split('=')[1];
}
