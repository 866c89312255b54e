// What is in the clinic before the load: patients, practitioners, and full days of appointments.

import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes';
import { buildAppointment, buildPatient, buildPractitioner } from './bodies.ts';
import type { FhirApi } from './fhir-api.ts';

export interface Seeded {
  /** Ids; the patient at a place was built with its number. */
  readonly patients: readonly string[];
  readonly practitioners: readonly string[];
  /** `YYYY-MM-DD`, each with `appointmentsPerDay` of each practitioner. */
  readonly days: readonly string[];
  readonly resources: number;
}

export const appointmentsPerDay = 40;
const practitionerCount = 20;
const dayCount = 10;
const patientCount = 2_000;
const entriesPerBundle = 100;
const bundlesAtOnce = 4;
const firstDay = Date.UTC(2027, 2, 1);
const dayMs = 86_400_000;
const minuteMs = 60_000;

export async function seedClinic(api: FhirApi, report: (line: string) => void): Promise<Seeded> {
  const practitioners = await createAll(api, range(practitionerCount).map(buildPractitioner));
  const patients = await createAll(api, range(patientCount).map(buildPatient));
  report(`${patients.length} patients are there`);
  const days = range(dayCount).map((day) => firstDay + day * dayMs);
  const appointments = days.flatMap((day, dayNumber) =>
    practitioners.flatMap((practitioner, doctor) =>
      range(appointmentsPerDay).map((place) => {
        const patient = patients[(dayNumber * 331 + doctor * 97 + place) % patients.length];
        const start = new Date(day + (8 * 60 + place * 15) * minuteMs);
        return buildAppointment(`Patient/${patient}`, `Practitioner/${practitioner}`, { start, durationMinutes: 15 });
      }),
    ),
  );
  await createAll(api, appointments);
  report(`${appointments.length} appointments are there`);
  const resources = practitioners.length + patients.length + appointments.length;
  return { patients, practitioners, days: days.map((day) => new Date(day).toISOString().slice(0, 10)), resources };
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Gives the ids in the order of the resources. */
async function createAll(api: FhirApi, resources: readonly Resource[]): Promise<string[]> {
  const ids: string[] = new Array(resources.length);
  const starts = range(Math.ceil(resources.length / entriesPerBundle)).map((n) => n * entriesPerBundle);
  const work = async () => {
    for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
      const created = await createBundle(api, resources.slice(start, start + entriesPerBundle));
      for (const [place, id] of created.entries()) ids[start + place] = id;
    }
  };
  await Promise.all(range(bundlesAtOnce).map(work));
  return ids;
}

async function createBundle(api: FhirApi, resources: readonly Resource[]): Promise<string[]> {
  const entry: BundleEntry[] = resources.map((resource) => ({
    resource,
    request: { method: 'POST', url: resource.resourceType },
  }));
  const answer = await api.ask<Bundle>('POST', '', 200, { resourceType: 'Bundle', type: 'transaction', entry });
  return (answer.entry ?? []).map(({ response }) => idOf(response?.location ?? ''));
}

/** From `[base]/Type/id/_history/1`. */
export function idOf(location: string): string {
  const id = /\/([^/]+)\/_history\//.exec(location)?.[1];
  if (id === undefined) throw new Error(`There is no id in the location ${JSON.stringify(location)}.`);
  return id;
}
