// One visit from registration to its draft Invoice, by the clinic's main line (domain.md SM-1 and 3.6).

import { randomInt, randomUUID } from 'node:crypto';
import type { Appointment, Bundle, Invoice, Patient, Schedule } from '@medplum/fhirtypes';
import { DemoFailure } from './demo-failure.ts';
import type { Answer, FhirClient, Stored } from './fhir-client.ts';
import type { StepResult } from './report.ts';
import { waitFor } from './wait-for.ts';

/** Of the clinic that `npm start` makes: seeds/demo-practitioners.ts. */
const practitioner = { id: 'dr-amara-osei', display: 'Dr. Amara Osei' };
const visitType = { system: 'https://hpms.example/fhir/CodeSystem/visit-type', code: 'opd' };
const autoInvoice = 'https://hpms.example/fhir/sid/auto-invoice';

const dayMs = 86_400_000;
const daysAheadMax = 366;
/** `$find` looks at 62 days at most. */
const windowDays = 61;
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

/** Takes the practitioner's first free time from tomorrow on: `$find`, then `$book` (IHE ITI-115 and ITI-117). */
export async function bookAppointment(client: FhirClient, patient: Stored<Patient>): Promise<StepResult<Visit>> {
  await awaitSchedule(client);
  for (let ahead = 1; ahead <= daysAheadMax; ahead += windowDays) {
    for (const proposal of await findTimes(client, ahead)) {
      const resource = toBooked(proposal, patient);
      const body = JSON.stringify({
        resourceType: 'Parameters',
        parameter: [{ name: 'appointment-resource', resource }],
      });
      const answer = await client.send('POST', 'Appointment/$book', { body, allowed: [409] });
      // Somebody else took it between the look and the booking.
      if (answer.status === 409) continue;
      const visit = await bookedVisit(client, answer);
      const when = `${new Date(String(proposal.start)).toUTCString().slice(0, 22)} UTC`;
      return { value: visit, detail: `Appointment/${visit.appointment.id}, ${when}, ${practitioner.display}` };
    }
  }
  throw new DemoFailure(`${practitioner.display} has no free time in the next ${daysAheadMax} days.`);
}

async function awaitSchedule(client: FhirClient): Promise<void> {
  const actor = `Practitioner/${practitioner.id}`;
  const look = async () => (await client.search<Schedule>('Schedule', [['actor', actor]]))[0];
  if (await waitFor(look, clinicWait)) return;
  throw new DemoFailure(`${actor} has no Schedule: this tenant does not have the demo clinic.`);
}

async function findTimes(client: FhirClient, ahead: number): Promise<Appointment[]> {
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  const dateOf = (days: number) => new Date(today + days * dayMs).toISOString();
  const query = new URLSearchParams({
    practitioner: `Practitioner/${practitioner.id}`,
    start: dateOf(ahead),
    end: dateOf(ahead + windowDays),
  });
  const { text } = await client.send('GET', `Appointment/$find?${query}`);
  return ((JSON.parse(text) as Bundle<Appointment>).entry ?? []).flatMap(({ resource }) => resource ?? []);
}

function toBooked(proposal: Appointment, { id }: Stored<Patient>): Appointment {
  return {
    ...proposal,
    status: 'booked',
    appointmentType: { coding: [visitType] },
    description: 'Booked by npm run demo',
    participant: [{ actor: { reference: `Patient/${id}` }, status: 'accepted' }, ...proposal.participant],
  };
}

/** As it is stored, with the version that the next change is based on. */
async function bookedVisit(client: FhirClient, { text }: Answer): Promise<Visit> {
  const { entry = [] } = JSON.parse(text) as Bundle;
  const booked = entry.map(({ resource }) => resource).find((resource) => resource?.resourceType === 'Appointment');
  return visitOf(await client.send('GET', `Appointment/${booked?.id}`));
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
  if (etag === undefined) throw new DemoFailure('The answer has no ETag.');
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
