// The resources of a large tenant for tests of plans: each follows from its type and number alone, so that none is remembered.

import type {
  Appointment,
  List,
  Location,
  Observation,
  Organization,
  Patient,
  Practitioner,
  Resource,
  RiskAssessment,
  ValueSet,
} from '@medplum/fhirtypes';

/** One in so many meets the values of the group `some`; the one with this number alone those of `one`. */
export const share = 100;
export const chosen = 7;

const whole = {
  Organization: 100,
  Practitioner: 101,
  Patient: 100_000,
  Appointment: 300_000,
  Observation: 499_790,
  Location: 40_000,
  ValueSet: 40_000,
  RiskAssessment: 20_000,
  List: 9,
} as const;

export type Kind = keyof typeof whole;
export type Counts = Readonly<Record<Kind, number>>;

/** A million resources at a scale of 1. */
export function countsAt(scale: number): Counts {
  const entries = Object.entries(whole).map(([kind, count]) => [kind, Math.max(Math.round(count * scale), 9)]);
  return Object.fromEntries(entries) as Counts;
}

export function idOf(kind: Kind, n: number): string {
  return `${kind[0]?.toLowerCase()}${String(n).padStart(7, '0')}`;
}

export function numberOf(id: string): number {
  return Number(id.slice(1));
}

export function resourceOf(kind: Kind, n: number, counts: Counts): Resource {
  return { ...(makers[kind](n, counts) as object), resourceType: kind, id: idOf(kind, n) } as Resource;
}

type Body<R extends Resource> = Omit<R, 'resourceType'>;
const group = (n: number) => n % share;
const reference = (kind: Kind, n: number) => ({ reference: `${kind}/${idOf(kind, n)}` });
const coded = (...codes: string[]) => ({ coding: codes.map((code) => ({ system: 'urn:code', code })) });
/** What all have, what one in a hundred has, and what one has. */
const codes = (n: number) => coded('common', `g${group(n)}`, ...(n === chosen ? ['once'] : []));
const minuteMs = 60_000;

const makers: { readonly [K in Kind]: (n: number, counts: Counts) => Body<Extract<Resource, { resourceType: K }>> } = {
  Organization: (n): Body<Organization> => ({ active: true, identifier: [{ value: `org${n}` }] }),
  Practitioner: (n): Body<Practitioner> => ({ active: true, identifier: [{ value: `doc${n}` }] }),
  Patient: (n, { Organization }): Body<Patient> => ({
    active: true,
    gender: n % 2 === 0 ? 'female' : 'male',
    birthDate: new Date(Date.UTC(1940, 0, 1) + (n % 25_000) * 86_400_000).toISOString().slice(0, 10),
    identifier: [{ system: 'urn:mrn', value: `m${n}` }],
    name: [
      { family: n === chosen ? 'Wolkenstein' : `fam${n}`, given: [group(n) === 7 ? 'Rumpelstilz' : 'Anna', 'Muster'] },
    ],
    text: { status: 'generated', div: `<div>narrative w${n} g${group(n)}</div>` },
    generalPractitioner: [reference('Practitioner', group(n))],
    managingOrganization: reference('Organization', n % Organization),
  }),
  Appointment: (n, { Patient }): Body<Appointment> => {
    const startMs = Date.UTC(2020, 0, 1) + n * 10 * minuteMs;
    const time = {
      start: new Date(startMs).toISOString(),
      end: new Date(startMs + 10 * minuteMs).toISOString(),
    };
    return {
      status: group(n) === 3 ? 'proposed' : 'booked',
      ...(group(n) !== 3 && time),
      serviceType: [codes(n)],
      participant: [
        { actor: reference('Patient', n % Patient), status: 'accepted' },
        { actor: reference('Practitioner', group(n)), status: 'accepted' },
      ],
    };
  },
  Observation: (n, { Patient }): Body<Observation> => ({
    status: 'final',
    code: codes(n),
    subject: reference('Patient', n % Patient),
    performer: [reference('Practitioner', group(n)), reference('Practitioner', 100)],
    ...(group(n) !== 3 && { effectiveDateTime: observedAt(n) }),
    ...(n === chosen && { basedOn: [{ reference: 'ServiceRequest/s1' }] }),
    valueQuantity: { value: n, system: 'http://unitsofmeasure.org', code: 'mg/dL' },
  }),
  Location: (n): Body<Location> => ({ status: 'active', name: `place ${n}`, position: positionOf(n) }),
  ValueSet: (n): Body<ValueSet> => ({ status: 'active', url: `http://acme.org/g${group(n)}/v${n}` }),
  RiskAssessment: (n, { Patient }): Body<RiskAssessment> => ({
    status: 'final',
    subject: reference('Patient', n % Patient),
    prediction: [{ probabilityDecimal: n / 1_000_000 }],
  }),
  List: (n, { Patient }): Body<List> => ({
    status: 'current',
    mode: 'working',
    entry: Array.from({ length: Math.floor([0, 1][n] ?? Patient / share) }, (_, place) => ({
      item: reference('Patient', (place * share + chosen) % Patient),
    })),
  }),
};

/** In the order of the numbers. */
export function observedAt(n: number): string {
  return new Date(Date.UTC(2020, 0, 1) + n * 5 * minuteMs).toISOString();
}

/** When it was last updated: each a moment of its own, in the order of the numbers. */
export function storedAt(n: number): Date {
  return new Date(Date.UTC(2024, 0, 1) + n * minuteMs);
}

/** One alone, one in a hundred around another place, and all others in one town. */
function positionOf(n: number): { latitude: number; longitude: number } {
  if (n === chosen) return { latitude: 60, longitude: 60 };
  const spread = (n % 97) / 10_000;
  return group(n) === 7 ? { latitude: 10 + spread, longitude: 10 } : { latitude: 47 + spread, longitude: 8 };
}
