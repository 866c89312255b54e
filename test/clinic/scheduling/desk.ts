// A front desk for the tests of scheduling: books over HTTP, with practitioners and patients of its own.

import type { Appointment, Bundle, Resource } from '@medplum/fhirtypes';
import { runSql } from '../../jobs/job-bed.ts';
import { buildAppointment, buildPatient, buildPractitioner } from '../../support/builders.ts';
import type { TestResponse, TestServer, TestTenant } from '../../support/server.ts';

export type Stored<T extends Resource> = T & { readonly id: string };

export class Desk {
  readonly #tenant: TestTenant;
  readonly #patient: string;

  static async open(tenant: TestTenant): Promise<Desk> {
    const { json } = await tenant.request('POST', '/Patient', buildPatient());
    return new Desk(tenant, `Patient/${json.id}`);
  }

  private constructor(tenant: TestTenant, patient: string) {
    this.#tenant = tenant;
    this.#patient = patient;
  }

  async practitioner(): Promise<string> {
    const { json } = await this.#tenant.request('POST', '/Practitioner', buildPractitioner());
    return `Practitioner/${json.id}`;
  }

  /** From `start` to `end`, times of 2026-11-23 such as `09:00`. */
  visit(practitioners: string | readonly string[], start: string, end: string, overrides = {}): Appointment {
    const actors = [this.#patient, ...[practitioners].flat()];
    return buildAppointment(this.#patient, '', {
      start: `2026-11-23T${start}:00Z`,
      end: `2026-11-23T${end}:00Z`,
      participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' })),
      ...overrides,
    });
  }

  book(visit: Appointment): Promise<TestResponse> {
    return this.#tenant.request('POST', '/Appointment', visit);
  }

  /** Throws unless it is booked. */
  async booked(visit: Appointment): Promise<Stored<Appointment>> {
    const { status, json, text } = await this.book(visit);
    if (status !== 201) throw new Error(`Not booked: ${status} ${text}`);
    return json;
  }

  put(visit: Stored<Appointment>): Promise<TestResponse> {
    return this.#tenant.request('PUT', `/Appointment/${visit.id}`, visit);
  }

  async remove(visit: Stored<Appointment>): Promise<void> {
    const { status, text } = await this.#tenant.request('DELETE', `/Appointment/${visit.id}`);
    if (status !== 204) throw new Error(`Not deleted: ${status} ${text}`);
  }

  transaction(...entries: { readonly method: 'POST' | 'PUT'; readonly visit: Appointment }[]): Promise<TestResponse> {
    const entry = entries.map(({ method, visit }) => ({
      resource: visit,
      request: { method, url: method === 'POST' ? 'Appointment' : `Appointment/${visit.id}` },
    }));
    return this.#tenant.request('POST', '', { resourceType: 'Bundle', type: 'transaction', entry } satisfies Bundle);
  }
}

/** The stored times of practitioners, as `Practitioner/id 09:00 09:30 appointment-id`. */
export async function bookingsOf({ database }: TestServer, practitioners: readonly string[]): Promise<string[]> {
  const rows = await runSql<{ line: string }>(
    database.url,
    `SELECT concat_ws(' ', actor_type || '/' || actor_id, to_char(lower(period) AT TIME ZONE 'UTC', 'HH24:MI'),
       to_char(upper(period) AT TIME ZONE 'UTC', 'HH24:MI'), appointment_id) AS line
     FROM store.booking WHERE actor_type || '/' || actor_id = ANY($1)`,
    [practitioners],
  );
  return rows.map(({ line }) => line);
}

/** Before the first race all connections are open and know the statements, or it would be one request after the other. */
export async function openConnections({ app, a }: TestServer): Promise<void> {
  const pause = { text: 'SELECT pg_sleep(0.2)' };
  await Promise.all(Array.from({ length: 50 }, () => app.doors.tenantDoor(a.id, (trx) => trx.query(pause))));
  const rehearse = (index: number) =>
    a.request('POST', '/Appointment', buildAppointment('Patient/rehearsal', `Practitioner/rehearsal-${index}`));
  await Promise.all(Array.from({ length: 40 }, (_, index) => rehearse(index)));
}

/** How often each status came. */
export function tally(answers: readonly TestResponse[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
