// A waiting room for the tests of visits: patients come, are called and go, over HTTP.

import type { Appointment, Bundle, CodeableConcept, Encounter, Resource } from '@medplum/fhirtypes';
import { buildAppointment, buildPatient, buildPractitioner } from '../../support/builders.ts';
import type { TestResponse, TestTenant } from '../../support/server.ts';

export type Stored<T extends Resource> = T & { readonly id: string };

export const own = 'https://hpms.example/fhir/StructureDefinition/';
export const someReason: CodeableConcept = { text: 'Asked to' };
export const leftBeforeSeen: CodeableConcept = {
  coding: [{ system: 'https://hpms.example/fhir/CodeSystem/no-show-reason', code: 'left-before-seen' }],
};

const patchType = { 'Content-Type': 'application/json-patch+json' };

export class WaitingRoom {
  readonly tenant: TestTenant;
  readonly #patient: string;
  #minute = 0;

  static async open(tenant: TestTenant): Promise<WaitingRoom> {
    const { json } = await tenant.request('POST', '/Patient', buildPatient());
    return new WaitingRoom(tenant, `Patient/${json.id}`);
  }

  private constructor(tenant: TestTenant, patient: string) {
    this.tenant = tenant;
    this.#patient = patient;
  }

  get patient(): string {
    return this.#patient;
  }

  async practitioner(): Promise<string> {
    const { json } = await this.tenant.request('POST', '/Practitioner', buildPractitioner());
    return `Practitioner/${json.id}`;
  }

  /** Of 2026-11-23, each a quarter of an hour after the one before. */
  appointment(practitioner: string, overrides: Partial<Appointment> = {}): Appointment {
    const startMs = Date.UTC(2026, 10, 23, 8) + 15 * 60_000 * (this.#minute++ % 60);
    return buildAppointment(this.#patient, practitioner, {
      start: new Date(startMs).toISOString(),
      end: new Date(startMs + 15 * 60_000).toISOString(),
      ...overrides,
    });
  }

  async booked(practitioner: string, overrides: Partial<Appointment> = {}): Promise<Stored<Appointment>> {
    return requireStatus(
      await this.tenant.request('POST', '/Appointment', this.appointment(practitioner, overrides)),
      201,
    ).json;
  }

  async appointmentNow({ id }: { readonly id: string }): Promise<Stored<Appointment>> {
    return requireStatus(await this.tenant.request('GET', `/Appointment/${id}`), 200).json;
  }

  /** The Encounter of an Appointment. Throws when there are several. */
  async encounterOf({ id }: { readonly id: string }): Promise<Stored<Encounter> | undefined> {
    const answer = requireStatus(await this.tenant.request('GET', `/Encounter?appointment=Appointment/${id}`), 200);
    const found = ((answer.json as Bundle).entry ?? []).map(({ resource }) => resource as Stored<Encounter>);
    if (found.length > 1) throw new Error(`There are ${found.length} Encounters.`);
    return found[0];
  }

  async requiredEncounterOf(appointment: { readonly id: string }): Promise<Stored<Encounter>> {
    const encounter = await this.encounterOf(appointment);
    if (!encounter) throw new Error('There is no Encounter.');
    return encounter;
  }

  /** A patch of the status, with a reason where one is due. */
  move(
    { id }: { readonly id: string },
    status: Appointment['status'],
    reason?: CodeableConcept,
  ): Promise<TestResponse> {
    const operations = [
      { op: 'replace', path: '/status', value: status },
      ...(reason ? [{ op: 'add', path: '/cancelationReason', value: reason }] : []),
    ];
    return this.patch({ id }, operations);
  }

  patch({ id }: { readonly id: string }, operations: readonly object[]): Promise<TestResponse> {
    return this.tenant.request('PATCH', `/Appointment/${id}`, JSON.stringify(operations), patchType);
  }

  async moved(appointment: { readonly id: string }, ...statuses: Appointment['status'][]): Promise<Stored<Encounter>> {
    for (const status of statuses) requireStatus(await this.move(appointment, status), 200);
    return await this.requiredEncounterOf(appointment);
  }

  moveEncounter({ id }: { readonly id: string }, status: Encounter['status']): Promise<TestResponse> {
    const operations = [{ op: 'replace', path: '/status', value: status }];
    return this.tenant.request('PATCH', `/Encounter/${id}`, JSON.stringify(operations), patchType);
  }

  put(resource: Stored<Resource>, headers: Record<string, string> = {}): Promise<TestResponse> {
    return this.tenant.request('PUT', `/${resource.resourceType}/${resource.id}`, resource, headers);
  }

  /** All versions, the first one first. */
  async versions<T extends Resource>(type: T['resourceType'], id: string): Promise<T[]> {
    const { json } = requireStatus(await this.tenant.request('GET', `/${type}/${id}/_history?_count=200`), 200);
    return ((json as Bundle).entry ?? []).map(({ resource }) => resource as T).reverse();
  }
}

export function requireStatus(answer: TestResponse, ...expected: number[]): TestResponse {
  if (expected.includes(answer.status)) return answer;
  throw new Error(`The answer is ${answer.status} and not ${expected.join(' or ')}: ${answer.text}`);
}

export function queueNumberOf(encounter: Encounter | undefined): number | undefined {
  return encounter?.extension?.find(({ url }) => url === `${own}queue-number`)?.valueInteger;
}

export function callsOf(encounter: Encounter): string[] {
  return (encounter.extension ?? []).flatMap(({ url, valueDateTime }) =>
    url === `${own}called-at` && valueDateTime ? [valueDateTime] : [],
  );
}

/** The Encounter with one call more. */
export function called(encounter: Stored<Encounter>, at = new Date()): Stored<Encounter> {
  const call = { url: `${own}called-at`, valueDateTime: at.toISOString() };
  return { ...encounter, extension: [...(encounter.extension ?? []), call] };
}

/** The statuses of an Encounter's statusHistory, in order. */
export function pastOf({ statusHistory = [] }: Encounter): string[] {
  return statusHistory.map(({ status }) => status);
}
