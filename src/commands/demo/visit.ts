// One visit from registration to its draft Invoice, by the clinic's main line (domain.md SM-1 and 3.6).

import { randomInt, randomUUID } from 'node:crypto';
import type { Appointment, Invoice, Patient, Schedule } from '@medplum/fhirtypes';
import { DemoFailure } from './demo-failure.ts';
import type { Answer, FhirClient, Stored } from './fhir-client.ts';
import { type Interval, isFree, timesOfDay } from './free-times.ts';
import type { StepResult } from './report.ts';
import { waitFor } from './wait-for.ts';

/** Of the clinic that `npm start` makes: seeds/demo-practitioners.ts. */
const practitioner = { id: 'dr-amara-osei', display: 'Dr. Amara Osei' };
const visitType = { system: 'https://hpms.example/fhir/CodeSystem/visit-type', code: 'opd' };
const autoInvoice = 'https://hpms.example/fhir/sid/auto-invoice';

const dayMs = 86_400_000;
const daysAheadMax = 366;
const invoiceWait = { everyMs: 20, deadlineMs: 10_000 };
/** A server that has just been started for the first time may still be writing its clinic. */
const clinicWait = { everyMs: 50, deadlineMs: 10_000 };

/** An Appointment and the version it is at. */
export interface Visit {
  readonly appointment: Stored<Appointment>;
  readonly etag: string;
}

/** A new person each time, so that no run finds the patient of another. */
export async function registerPatient(client: FhirClient): Promise<StepResult<Stored<Patient>>> {
  const born = new Date(Date.UTC(1940, 0, 1) + randomInt(60 * 365) * dayMs);
  const patient: Patient = {
    resourceType: 'Patient',
    identifier: [{ system: 'https://example.org/demo-patient', value: randomUUID() }],
    active: true,
    name: [{ use: 'official', family: 'Newcomer', given: ['Nadia'] }],
    telecom: [{ system: 'phone', value: '555-0123', use: 'mobile' }],
    gender: 'female',
    birthDate: born.toISOString().slice(0, 10),
  };
  const answer = await client.send('POST', 'Patient', { body: JSON.stringify(patient) });
  const stored = JSON.parse(answer.text) as Stored<Patient>;
  return { value: stored, detail: `Patient/${stored.id}` };
}

/** Takes the practitioner's first free time from tomorrow on. */
export async function bookAppointment(client: FhirClient, patient: Stored<Patient>): Promise<StepResult<Visit>> {
  const schedule = await demoSchedule(client);
  for await (const time of freeTimes(client, schedule)) {
    const body = JSON.stringify(buildAppointment(patient, time));
    const answer = await client.send('POST', 'Appointment', { body, allowed: [409] });
    // Somebody else took it between the look and the booking.
    if (answer.status === 409) continue;
    const visit = visitOf(answer);
    const when = `${time.start.toUTCString().slice(0, 22)} UTC`;
    return { value: visit, detail: `Appointment/${visit.appointment.id}, ${when}, ${practitioner.display}` };
  }
  throw new DemoFailure(`${practitioner.display} has no free time in the next ${daysAheadMax} days.`);
}

async function demoSchedule(client: FhirClient): Promise<Schedule> {
  const actor = `Practitioner/${practitioner.id}`;
  const look = async () => (await client.search<Schedule>('Schedule', [['actor', actor]]))[0];
  const schedule = await waitFor(look, clinicWait);
  if (!schedule) throw new DemoFailure(`${actor} has no Schedule: this tenant does not have the demo clinic.`);
  return schedule;
}

async function* freeTimes(client: FhirClient, schedule: Schedule): AsyncGenerator<Interval> {
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  for (let ahead = 1; ahead <= daysAheadMax; ahead++) {
    const day = new Date(today + ahead * dayMs);
    const times = timesOfDay(schedule, day);
    if (times.length === 0) continue;
    const booked = await client.search<Appointment>('Appointment', [
      ['practitioner', `Practitioner/${practitioner.id}`],
      ['date', `ge${day.toISOString()}`],
      ['date', `lt${new Date(day.getTime() + dayMs).toISOString()}`],
      ['_count', '200'],
    ]);
    yield* times.filter((time) => isFree(time, booked));
  }
}

function buildAppointment({ id }: Stored<Patient>, { start, end }: Interval): Appointment {
  return {
    resourceType: 'Appointment',
    status: 'booked',
    appointmentType: { coding: [visitType] },
    description: 'Booked by npm run demo',
    start: start.toISOString(),
    end: end.toISOString(),
    participant: [
      { actor: { reference: `Patient/${id}` }, status: 'accepted' },
      { actor: { reference: `Practitioner/${practitioner.id}`, display: practitioner.display }, status: 'accepted' },
    ],
  };
}

/** PUT with If-Match, so that no other change is lost: https://hl7.org/fhir/R4/http.html#concurrency */
export async function moveTo(
  client: FhirClient,
  { appointment, etag }: Visit,
  status: Appointment['status'],
): Promise<StepResult<Visit>> {
  const body = JSON.stringify({ ...appointment, status });
  const visit = visitOf(await client.send('PUT', `Appointment/${appointment.id}`, { body, ifMatch: etag }));
  if (visit.appointment.status !== status) {
    throw new DemoFailure(`The Appointment is ${visit.appointment.status}, not ${status}.`);
  }
  return { value: visit, detail: `version ${visit.appointment.meta?.versionId}` };
}

function visitOf({ text, etag }: Answer): Visit {
  if (etag === undefined) throw new DemoFailure('The answer to a write has no ETag.');
  return { appointment: JSON.parse(text) as Stored<Appointment>, etag };
}

/** The Invoice that the queue makes once the Appointment is fulfilled; its time counts from the answer to that. */
export async function awaitInvoice(client: FhirClient, { appointment }: Visit): Promise<StepResult<Stored<Invoice>>> {
  const look = async () => {
    const found = await client.search<Invoice>('Invoice', [['identifier', `${autoInvoice}|${appointment.id}`]]);
    return found.length > 0 ? found : undefined;
  };
  const startedAt = performance.now();
  const [invoice, ...more] = (await waitFor(look, invoiceWait)) ?? [];
  const durationMs = performance.now() - startedAt;
  if (!invoice) {
    throw new DemoFailure(`No Invoice for Appointment/${appointment.id} after ${invoiceWait.deadlineMs / 1_000} s.`);
  }
  if (more.length > 0) throw new DemoFailure(`Appointment/${appointment.id} has ${more.length + 1} Invoices, not one.`);
  return { value: invoice, detail: `Invoice/${invoice.id}, ${invoice.status}, counted from fulfilled`, durationMs };
}
