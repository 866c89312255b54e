// From `fulfilled` to the Invoice on an idle machine: through the outbox, the queue and the billing job.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Appointment, Bundle, Invoice } from '@medplum/fhirtypes';
import { buildAppointment, buildPractitioner } from './bodies.ts';
import type { FhirApi } from './fhir-api.ts';

const pauseMs = 50;
const pollEveryMs = 1;
const deadlineMs = 10_000;
const firstStart = Date.UTC(2027, 4, 3, 8);
const durationMinutes = 30;

/** One after the other; each time is from sending the update until a search finds the Invoice, so it holds both calls too. */
export async function measureInvoiceDelays(api: FhirApi, patient: string, count: number): Promise<number[]> {
  const practitioner = await api.ask<{ id: string }>('POST', '/Practitioner', 201, buildPractitioner(1_000));
  const delaysMs: number[] = [];
  for (let n = 0; n < count; n++) {
    const start = new Date(firstStart + n * durationMinutes * 60_000);
    const wanted = buildAppointment(`Patient/${patient}`, `Practitioner/${practitioner.id}`, {
      start,
      durationMinutes,
    });
    const booked = await api.ask<Appointment & { id: string }>('POST', '/Appointment', 201, wanted);
    await sleep(pauseMs);
    const sentAt = performance.now();
    await api.ask('PUT', `/Appointment/${booked.id}`, 200, { ...booked, status: 'fulfilled' });
    await invoiceOf(api, booked.id, sentAt);
    delaysMs.push(performance.now() - sentAt);
  }
  return delaysMs;
}

async function invoiceOf(api: FhirApi, appointmentId: string, sentAt: number): Promise<void> {
  const identifier = encodeURIComponent(`https://hpms.example/fhir/sid/auto-invoice|${appointmentId}`);
  while (performance.now() - sentAt < deadlineMs) {
    const found = await api.ask<Bundle<Invoice>>('GET', `/Invoice?identifier=${identifier}`, 200);
    const invoice = found.entry?.[0]?.resource;
    if (invoice) return requirePriced(invoice);
    await sleep(pollEveryMs);
  }
  throw new Error(`Appointment/${appointmentId} is fulfilled for ${deadlineMs} ms and has no Invoice.`);
}

function requirePriced({ status, totalGross }: Invoice): void {
  if (status === 'draft' && (totalGross?.value ?? 0) > 0) return;
  throw new Error(`The Invoice is ${status} over ${totalGross?.value}.`);
}
