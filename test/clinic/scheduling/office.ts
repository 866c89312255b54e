// A scheduling office for the tests: practitioners with weekly hours, and the operations on their times, over HTTP.

import { afterAll, beforeAll } from '@jest/globals';
import type {
  Appointment,
  Bundle,
  Extension,
  Location,
  ParametersParameter,
  Patient,
  Practitioner,
  Resource,
  Schedule,
  Slot,
} from '@medplum/fhirtypes';
import { ownSlotId } from '../../../src/clinic/scheduling/own-slots.ts';
import { usualTiming } from '../../../src/jobs/timing.ts';
import { createClient } from '../../../src/people/clients.ts';
import { expectNoFailure } from '../../api/refusals.ts';
import { buildLocation, buildPatient, buildPractitioner, buildSchedule, buildSlot } from '../../support/builders.ts';
import {
  fetchToken,
  send,
  startTestServer,
  type TestResponse,
  type TestServer,
  type TestServerOptions,
  type TestTenant,
} from '../../support/server.ts';
import type { Stored } from './desk.ts';

const dayMs = 86_400_000;
const parametersUrl = 'https://hpms.example/fhir/StructureDefinition/scheduling-parameters';
export const holdExpiresUrl = 'https://hpms.example/fhir/StructureDefinition/hold-expires';

/** A Monday some weeks ahead, so that nothing of it is past. */
const monday = (() => {
  const day = Math.floor(Date.now() / dayMs) + 21;
  return day - ((day + 3) % 7);
})();

/** `09:00` of the days after that Monday, in UTC. */
export function at(time: string, daysLater = 0): string {
  const date = new Date((monday + daysLater) * dayMs).toISOString().slice(0, 10);
  return `${date}T${time}:00.000Z`;
}

export interface Hours {
  readonly days?: readonly string[];
  readonly from?: string;
  readonly hours?: number;
  readonly minutes?: number;
  readonly before?: number;
  readonly after?: number;
  readonly capacity?: number;
  readonly timezone?: string | undefined;
  readonly service?: string;
}

/** Every day from 9 to 12 UTC in visits of half an hour, unless said otherwise. */
export function hoursExtension(given: Hours = {}): Extension {
  const { days, from = '09:00:00', hours = 3, minutes = 30, before, after, capacity, service } = given;
  const timezone = 'timezone' in given ? given.timezone : 'UTC';
  const ofMinutes = (url: string, value: number | undefined): Extension[] =>
    value === undefined
      ? []
      : [{ url, valueDuration: { value, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' } }];
  const repeat = {
    ...(days && { dayOfWeek: days }),
    ...{ timeOfDay: [from], duration: hours, durationUnit: 'h', frequency: 1, period: 1, periodUnit: 'wk' },
  };
  return {
    url: parametersUrl,
    extension: [
      ...(timezone === undefined ? [] : [{ url: 'timezone', valueCode: timezone }]),
      ...ofMinutes('duration', minutes),
      ...ofMinutes('bufferBefore', before),
      ...ofMinutes('bufferAfter', after),
      ...(capacity === undefined ? [] : [{ url: 'slotCapacity', valuePositiveInt: capacity }]),
      ...(service === undefined ? [] : [{ url: 'service', valueCodeableConcept: { coding: [{ code: service }] } }]),
      { url: 'availability', valueTiming: { repeat } as Extension['valueTiming'] & object },
    ],
  };
}

export class Office {
  readonly #tenant: Pick<TestTenant, 'request'>;

  constructor(tenant: Pick<TestTenant, 'request'>) {
    this.#tenant = tenant;
  }

  /** Throws unless it is created. */
  async create<T extends Resource>(resource: T): Promise<Stored<T>> {
    const { status, json, text } = await this.#tenant.request('POST', `/${resource.resourceType}`, resource);
    if (status !== 201) throw new Error(`Not created: ${status} ${text}`);
    return json;
  }

  async patient(overrides: Partial<Patient> = {}): Promise<string> {
    return `Patient/${(await this.create(buildPatient(overrides))).id}`;
  }

  async practitioner(): Promise<string> {
    return `Practitioner/${(await this.create<Practitioner>(buildPractitioner())).id}`;
  }

  async location(code: string | undefined, overrides: Partial<Location> = {}): Promise<string> {
    const system = 'http://terminology.hl7.org/CodeSystem/location-physical-type';
    const physicalType = code === undefined ? {} : { physicalType: { coding: [{ system, code }] } };
    return `Location/${(await this.create(buildLocation({ ...physicalType, ...overrides }))).id}`;
  }

  /** Gives `Schedule/id`. Of hours `null` it has none. */
  async schedule(
    actors: string | readonly string[],
    hours: Hours | null = {},
    overrides: Partial<Schedule> = {},
  ): Promise<string> {
    const [first = '', ...others] = [actors].flat();
    const actor = [first, ...others].map((reference) => ({ reference })) as Schedule['actor'];
    const { extension: _extension, ...plain } = buildSchedule(first, { actor, ...overrides });
    const extension = hours && [hoursExtension(hours)];
    return `Schedule/${(await this.create<Schedule>({ ...plain, ...(extension && { extension }) })).id}`;
  }

  /** A practitioner with hours. */
  async doctor(hours: Hours = {}): Promise<string> {
    const practitioner = await this.practitioner();
    await this.schedule(practitioner, hours);
    return practitioner;
  }

  leave(schedule: string, start: string, end: string, overrides: Partial<Slot> = {}): Promise<TestResponse> {
    const slot = buildSlot(schedule, { status: 'busy-unavailable', start, end, ...overrides });
    return this.#tenant.request('POST', '/Slot', slot);
  }

  post(appointment: Appointment): Promise<TestResponse> {
    return this.#tenant.request('POST', '/Appointment', appointment);
  }

  put(appointment: Stored<Appointment>): Promise<TestResponse> {
    return this.#tenant.request('PUT', `/Appointment/${appointment.id}`, appointment);
  }

  get(path: string): Promise<TestResponse> {
    return this.#tenant.request('GET', `/${path}`);
  }

  find(parameter: Record<string, string | readonly string[]>): Promise<TestResponse> {
    const values = Object.entries(parameter).flatMap(([name, value]) =>
      [value]
        .flat()
        .map((text) =>
          name === 'start' || name === 'end'
            ? { name, valueDateTime: text }
            : { name, valueReference: { reference: text } },
        ),
    );
    return this.call('find', ...values);
  }

  /** The starts that are proposed, as `09:00` of the first day. */
  async starts(parameter: Record<string, string | readonly string[]>): Promise<string[]> {
    const { status, json, text } = await this.find({ start: at('00:00'), end: at('00:00', 1), ...parameter });
    if (status !== 200) throw new Error(`Not found: ${status} ${text}`);
    return appointmentsIn(json).map(({ start = '' }) => start.slice(11, 16));
  }

  call(operation: string, ...parameter: ParametersParameter[]): Promise<TestResponse> {
    return this.#tenant.request('POST', `/Appointment/$${operation}`, { resourceType: 'Parameters', parameter });
  }

  hold(appointment: Appointment): Promise<TestResponse> {
    return this.call('hold', { name: 'appointment-resource', resource: appointment });
  }

  /** Throws unless it is held. */
  async held(appointment: Appointment): Promise<Stored<Appointment>> {
    const { status, json, text } = await this.hold(appointment);
    if (status !== 200) throw new Error(`Not held: ${status} ${text}`);
    return appointmentsIn(json)[0] as Stored<Appointment>;
  }

  bookHeld(id: string): Promise<TestResponse> {
    return this.call('book', { name: 'appointment-reference', valueReference: { reference: `Appointment/${id}` } });
  }

  book(appointment: Appointment, ...more: ParametersParameter[]): Promise<TestResponse> {
    return this.call('book', { name: 'appointment-resource', resource: appointment }, ...more);
  }

  /** Throws unless it is booked. */
  async booked(appointment: Appointment): Promise<Stored<Appointment>> {
    const { status, json, text } = await this.book(appointment);
    if (status !== 200) throw new Error(`Not booked: ${status} ${text}`);
    return appointmentsIn(json)[0] as Stored<Appointment>;
  }
}

export interface OpenedOffice {
  readonly server: TestServer;
  /** Of the tenant `clinic-a`, as its first client. */
  readonly office: Office;
}

/** A server for the tests of the file, which must not fail in any of them; jobs run where a timing is given. */
export function useOffice(onOpen: (opened: OpenedOffice) => void, options?: TestServerOptions): void {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(options ?? { does: { api: true, jobs: false } });
    onOpen({ server, office: new Office(server.a) });
  });
  afterAll(async () => {
    expectNoFailure(server.logLines);
    await server.close();
  });
}

/** Holds expire and offers are made without much waiting. */
export const quickJobs: TestServerOptions = { timing: { ...usualTiming, pollMs: 100 } };

/** Somebody with a role, who is this person: what is own is theirs. */
export async function officeOf(
  server: TestServer,
  tenant: TestTenant,
  role: string,
  fhirUser: string,
): Promise<Office> {
  const { doors } = server.app;
  const cipher = await doors.keyRing.cipherOf(tenant.id);
  const grantTypes = ['client_credentials'];
  const registration = { name: role, grantTypes, scope: 'system/Organization.rs', roles: [role], fhirUser };
  const client = await doors.tenantDoor(tenant.id, async (trx) => createClient(trx, cipher, registration));
  const token = await fetchToken(server.origin, tenant.name, client.clientId, client.clientSecret);
  const authorization = { Authorization: `Bearer ${token}` };
  return new Office({
    request: (method, path, body, headers = {}) =>
      send(`${server.origin}/t/${tenant.name}/fhir${path}`, method, body, { ...authorization, ...headers }),
  });
}

/** Where the Slot is that the server keeps for an Appointment. */
export function slotPath(appointmentId: string | undefined): string {
  return `Slot/${ownSlotId(appointmentId ?? '')}`;
}

/** Proposed, for half an hour. */
export function proposal(actors: readonly string[], start: string, overrides: Partial<Appointment> = {}): Appointment {
  return {
    resourceType: 'Appointment',
    status: 'proposed',
    start,
    end: overrides.end ?? new Date(Date.parse(start) + 1_800_000).toISOString(),
    participant: actors.map((reference) => ({ actor: { reference }, status: 'needs-action' as const })),
    ...overrides,
  };
}

export function resourcesIn(bundle: Bundle): Resource[] {
  return (bundle.entry ?? []).flatMap(({ resource }) => resource ?? []);
}

export function appointmentsIn(bundle: Bundle): Appointment[] {
  return resourcesIn(bundle).filter((resource): resource is Appointment => resource.resourceType === 'Appointment');
}

export const cancelationReason = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason', code: 'pat' }],
};
