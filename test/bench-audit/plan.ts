// A year of a clinic's AuditEvents: who did what with whose record, each told by its number alone.

import type { AccessFacts } from '../../src/access/access-facts.ts';

export const users = 300;
/** A patient has so many events in a year, on average. */
const eventsPerPatient = 500;
export const months = 12;

/** Of each, some can be asked for: their events are whole, those of the others have random bytes for a content. */
const askedUserEvery = 100;
const askedPatientEvery = 200;

export const kinds = ['read', 'search', 'update', 'refused'] as const;
export type Kind = (typeof kinds)[number];

export interface PlannedEvent {
  readonly user: number;
  readonly patient: number;
  readonly kind: Kind;
}

export function patientsAmong(events: number): number {
  return Math.max(askedPatientEvery, Math.round(events / eventsPerPatient));
}

/** Of a hundred: reads, searches, changes, refusals. */
const sharesUpTo = [60, 89, 99, 100];

const [factor, modulus] = [48_271, 2_147_483_647];

/**
 * Spread evenly, and the same in every run. The database works it out in the same way: see `eventSql`. Multiplied once, some
 * patients would have no event in some months.
 */
export function plannedEvent(n: number, patients: number): PlannedEvent {
  const mixed = (((n * factor) % modulus) * factor) % modulus;
  const share = Math.floor(mixed / (users * patients)) % 100;
  return {
    user: mixed % users,
    patient: Math.floor(mixed / users) % patients,
    kind: kinds[sharesUpTo.findIndex((end) => share < end)] as Kind,
  };
}

/** SQL for the members of event `n`: its user, its patient, and the index of its kind. */
export function eventSql(patients: number): { readonly user: string; readonly patient: string; readonly kind: string } {
  const mixed = `(((n * ${factor}) % ${modulus}) * ${factor} % ${modulus})`;
  const ends = sharesUpTo.map((end, kind) => `WHEN ${mixed} / ${users * patients} % 100 < ${end} THEN ${kind}`);
  return {
    user: `${mixed} % ${users}`,
    patient: `${mixed} / ${users} % ${patients}`,
    kind: `CASE ${ends.join(' ')} END`,
  };
}

export function isAsked({ user, patient }: PlannedEvent): boolean {
  return user % askedUserEvery === 0 || patient % askedPatientEvery === 0;
}

export function askedUser(pick: (below: number) => number): string {
  return practitionerOf(pick(users / askedUserEvery) * askedUserEvery);
}

export function askedPatient(patients: number, pick: (below: number) => number): string {
  return patientOf(pick(Math.floor(patients / askedPatientEvery)) * askedPatientEvery);
}

const practitionerOf = (user: number) => `Practitioner/user-${user}`;
const patientOf = (patient: number) => `Patient/patient-${patient}`;
export const addressOf = (user: number) => `10.0.${Math.floor(user / 250)}.${(user % 250) + 1}`;

/** What the server would have noted of it. `resource` is the id of what was answered. */
export function factsOf(event: PlannedEvent, id: string, recordedMs: number, resource: string) {
  const reference = practitionerOf(event.user);
  const base = {
    id,
    recordedMs,
    method: event.kind === 'update' ? 'PUT' : 'GET',
    path: event.kind === 'search' ? 'Observation' : `Observation/${resource}`,
    query: event.kind === 'search' ? `subject=${patientOf(event.patient)}&code=8867-4` : '',
    caller: { kind: 'staff', clientId: 'ehr', reference, display: `User ${event.user}`, fhirUser: reference },
    address: addressOf(event.user),
    requestId: id,
    patients: [patientOf(event.patient)],
  } as const;
  const answered = [`Observation/${resource}/_history/1`];
  const interactions = { read: 'read', search: 'search-type', update: 'update', refused: 'read' } as const;
  const interaction = interactions[event.kind];
  if (event.kind === 'refused') return { ...base, interaction, outcome: '4', status: 403, issue: 'forbidden' } as const;
  return { ...base, interaction, outcome: '0', status: 200, answered } satisfies AccessFacts;
}
