// What is measured: each scenario sends the same requests to the server and to the floor.

import type { Bundle, Resource } from '@medplum/fhirtypes';
import { buildObservation, buildPatient, buildVisits, mrnOf, mrnSystem } from './bodies.ts';
import type { Call } from './driver.ts';
import { appointmentsPerDay, type Seeded } from './seed.ts';

export interface Scenario {
  readonly name: string;
  /** What one call is worth: a transaction counts its entries. */
  readonly resourcesPerCall: number;
  /** The ratio to the floor that is wanted; absent where none was set. */
  readonly ratioGoal?: number;
  /** Calls under way at a time, where it is not the plan's number. */
  readonly connections?: number;
  /** The n-th call; `base` is the path of the FHIR base. */
  call(n: number, base: string): Call;
}

/** Patients of one scenario are nobody of another, or the server would say that they are there already. */
const othersApart = 1_000_003;

export function scenariosOn({ patients, practitioners, days }: Seeded): Scenario[] {
  const pick = (list: readonly string[], n: number) => list[n % list.length] as string;
  // The floor's updates keep the number of tokens and not what they say, so nothing is searched among what is updated.
  const half = patients.length / 2;
  const found = patients.slice(0, half);
  const changed = patients.slice(half);
  /** Numbers of bodies that no seeded patient has. */
  const fresh = (n: number) => patients.length + n;
  return [
    {
      name: 'create Patient',
      resourcesPerCall: 1,
      ratioGoal: 0.5,
      call: (n, base) => create(base, buildPatient(fresh(n))),
    },
    {
      name: 'create Observation',
      resourcesPerCall: 1,
      ratioGoal: 0.5,
      call: (n, base) => create(base, buildObservation(n, `Patient/${pick(patients, n * 31)}`)),
    },
    {
      name: 'read Patient',
      resourcesPerCall: 1,
      ratioGoal: 0.7,
      call: (n, base) => readOne(base, pick(patients, n * 31)),
    },
    {
      name: 'update Patient',
      resourcesPerCall: 1,
      call: (n, base) => changePhone(base, half + (n % half), pick(changed, n), n),
    },
    {
      name: 'search by identifier',
      resourcesPerCall: 1,
      call: (n, base) => findPatient(base, (n * 31) % half, pick(found, n * 31)),
    },
    {
      name: 'daily schedule',
      resourcesPerCall: 1,
      call: (n, base) => schedule(base, pick(practitioners, n), pick(days, n * 7)),
    },
    ...[
      { entries: 10 },
      { entries: 100, ratioGoal: 0.5 },
      // Sixteen at once would measure how the server waits.
      { entries: 1_000, ratioGoal: 0.6, connections: 4 },
    ].map(({ entries, ...rest }) => ({
      name: `transaction of ${entries.toLocaleString('en')}`,
      resourcesPerCall: entries,
      ...rest,
      call: (n: number, base: string) => transaction(base, buildVisits(fresh(n) + entries * othersApart, entries / 10)),
    })),
  ];
}

function create(base: string, resource: Resource): Call {
  const path = `${base}/${resource.resourceType}`;
  return { method: 'POST', path, body: JSON.stringify(resource), status: 201, check: requireLike(resource) };
}

function readOne(base: string, id: string): Call {
  const check = requireLike({ resourceType: 'Patient', id });
  return { method: 'GET', path: `${base}/Patient/${id}`, status: 200, check };
}

function changePhone(base: string, number: number, id: string, phone: number): Call {
  const value = `+1 555 ${String(phone).padStart(7, '0')}`;
  const patient = { ...buildPatient(number), id, telecom: [{ system: 'phone' as const, value, use: 'home' as const }] };
  const body = JSON.stringify(patient);
  return { method: 'PUT', path: `${base}/Patient/${id}`, body, status: 200, check: requireLike(patient) };
}

function findPatient(base: string, n: number, id: string): Call {
  const query = `identifier=${encodeURIComponent(`${mrnSystem}|${mrnOf(n)}`)}`;
  return { method: 'GET', path: `${base}/Patient?${query}`, status: 200, check: (body) => requireFound(body, [id]) };
}

function schedule(base: string, practitioner: string, day: string): Call {
  const query = `practitioner=Practitioner/${practitioner}&date=${day}&_include=Appointment:patient&_count=100`;
  return { method: 'GET', path: `${base}/Appointment?${query}`, status: 200, check: requireSchedule };
}

function transaction(base: string, bundle: Bundle): Call {
  const check = requireAllCreated(bundle.entry?.length ?? 0);
  // The floor has no base path, and an empty path is none in HTTP.
  return { method: 'POST', path: base || '/', body: JSON.stringify(bundle), status: 200, check };
}

/** All that was sent came back, behind it perhaps the clinic's own number; for a create the server chose the id. */
function requireLike(expected: Resource): (body: string) => void {
  return (body) => {
    const { meta: _, ...found } = JSON.parse(body) as Resource & { meta?: object };
    for (const [name, value] of Object.entries(expected)) {
      const whole: unknown = found[name as keyof typeof found];
      const sent = Array.isArray(value) && Array.isArray(whole) ? whole.slice(0, value.length) : whole;
      if (JSON.stringify(sent) !== JSON.stringify(value))
        throw new Error(`${expected.resourceType}.${name} came back different.`);
    }
  };
}

function requireFound(body: string, ids: readonly string[]): void {
  const found = (JSON.parse(body) as Bundle).entry?.map(({ resource }) => resource?.id) ?? [];
  if (found.join() !== ids.join()) throw new Error(`The search found ${found.length} resources, not ${ids.length}.`);
}

function requireSchedule(body: string): void {
  const found = (JSON.parse(body) as Bundle).entry?.map(({ resource }) => resource?.resourceType) ?? [];
  const appointments = found.filter((type) => type === 'Appointment').length;
  const patients = found.filter((type) => type === 'Patient').length;
  if (appointments === appointmentsPerDay && patients === appointmentsPerDay) return;
  throw new Error(`A day's schedule has ${appointments} appointments and ${patients} patients.`);
}

function requireAllCreated(entries: number): (body: string) => void {
  return (body) => {
    const statuses = (JSON.parse(body) as Bundle).entry?.map(({ response }) => response?.status) ?? [];
    if (statuses.length === entries && statuses.every((status) => status === '201 Created')) return;
    throw new Error(`A transaction was answered with ${statuses.length} entries, not ${entries} that were created.`);
  };
}
