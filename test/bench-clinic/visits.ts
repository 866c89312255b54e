// The clinic's money line under load: how many visits are booked, completed, billed and paid in a second, and 2,000 whole visits beside the users.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Appointment, Bundle, Encounter, Invoice, PaymentReconciliation } from '@medplum/fhirtypes';
import { buildAppointment } from '../bench/bodies.ts';
import type { FhirApi } from '../bench/fhir-api.ts';
import { percentile } from '../bench/measure.ts';
import { dayMs, practitioners, referenceTo, visitMinutes } from './plan.ts';

export interface StepFigures {
  readonly name: string;
  /** By as many connections as leave the server no rest. */
  readonly perSecond: number;
  readonly crowded: Waits;
}

export interface Waits {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export interface WholeFigures {
  readonly perSecond: number;
  readonly steps: readonly (Waits & { readonly name: string; readonly goalMs?: number })[];
}

/** At once; more would measure how they wait for each other. */
const connections = 16;
const visitsPerDay = practitioners * 32;
const waitMs = 30_000;

/** Wanted of p95. */
const goalsMs: Readonly<Record<string, number>> = { queue: 20, draft: 50, issue: 50 };
const names = {
  booking: 'booking',
  checkIn: 'check-in, with a queue number',
  queue: 'queue of a practitioner',
  completion: 'completion',
  draft: 'bill: from completion to the draft',
  issue: 'bill: issue, with number and posting',
  payment: 'payment, with receipt and posting',
} as const;
type Step = keyof typeof names;
const steps = Object.keys(names) as Step[];

type Stored<T> = T & { readonly id: string };

/** Visits with numbers of their own, so that no two want the same time. */
export class Visits {
  readonly #api: FhirApi;
  readonly #patients: number;
  readonly #firstDay: number;
  #count = 0;

  private constructor(api: FhirApi, patients: number, firstDay: number) {
    this.#api = api;
    this.#patients = patients;
    this.#firstDay = firstDay;
  }

  /** Behind all that is there, also from an earlier run. */
  static async open(api: FhirApi, patients: number): Promise<Visits> {
    const { entry } = await api.ask<Bundle<Appointment>>('GET', '/Appointment?_sort=-date&_count=1', 200);
    const newest = Date.parse(entry?.[0]?.resource?.end ?? new Date().toISOString());
    return new Visits(api, patients, (Math.floor(newest / dayMs) + 1) * dayMs);
  }

  /** Each step for all visits before the next one. */
  async steps(count: number): Promise<StepFigures[]> {
    const numbers = Array.from({ length: count }, () => this.#count++);
    const booking = await timed('booking', numbers, (n) => this.#book(n));
    const checkIn = await timed('checkIn', booking.results, (visit) => this.#move(visit, 'checked-in'));
    const queue = await timed('queue', numbers, (n) => this.#queue(n));
    const completion = await timed('completion', checkIn.results, (visit) => this.#move(visit, 'fulfilled'));
    const draft = await timed('draft', completion.results, (visit) => this.#invoice(visit));
    const issue = await timed('issue', draft.results, (invoice) => this.#issue(invoice));
    const payment = await timed('payment', issue.results, (invoice) => this.#pay(invoice));
    return [booking, checkIn, queue, completion, draft, issue, payment].map(({ results: _, ...figures }) => figures);
  }

  /** From booking to payment, so many begun a second. */
  async whole(count: number, perSecond: number, report: (done: number) => void): Promise<WholeFigures> {
    const latenciesMs = Object.fromEntries(steps.map((step) => [step, [] as number[]])) as Record<Step, number[]>;
    const take = async <T>(step: Step, work: () => Promise<T>): Promise<T> => {
      const sentAt = performance.now();
      const result = await work();
      latenciesMs[step].push(performance.now() - sentAt);
      return result;
    };
    const startedAt = performance.now();
    let begun = 0;
    let done = 0;
    const visit = async () => {
      const n = this.#count++;
      const booked = await take('booking', () => this.#book(n));
      const present = await take('checkIn', () => this.#move(booked, 'checked-in'));
      await take('queue', () => this.#queue(n));
      const fulfilled = await take('completion', () => this.#move(present, 'fulfilled'));
      const draft = await take('draft', () => this.#invoice(fulfilled));
      const issued = await take('issue', () => this.#issue(draft));
      await take('payment', () => this.#pay(issued));
      done += 1;
      if (done % 200 === 0) report(done);
    };
    const work = async () => {
      while (begun < count) {
        const dueAt = startedAt + (begun++ / perSecond) * 1_000;
        await sleep(Math.max(0, dueAt - performance.now()));
        await visit();
      }
    };
    await Promise.all(Array.from({ length: connections }, work));
    return {
      perSecond: (count / (performance.now() - startedAt)) * 1_000,
      steps: steps.map((step) => {
        const goalMs = goalsMs[step];
        return { name: names[step], ...waitsOf(latenciesMs[step]), ...(goalMs !== undefined && { goalMs }) };
      }),
    };
  }

  #book(n: number): Promise<Stored<Appointment>> {
    const slot = Math.floor((n % visitsPerDay) / practitioners);
    const day = this.#firstDay + Math.floor(n / visitsPerDay) * dayMs;
    const wanted = buildAppointment(
      referenceTo('Patient', (n * 7_919) % this.#patients),
      referenceTo('Practitioner', n % practitioners),
      { start: new Date(day + (8 * 60 + slot * visitMinutes) * 60_000), durationMinutes: visitMinutes },
    );
    return this.#api.ask('POST', '/Appointment', 201, wanted);
  }

  #move(visit: Stored<Appointment>, status: Appointment['status']): Promise<Stored<Appointment>> {
    return this.#api.ask('PUT', `/Appointment/${visit.id}`, 200, { ...visit, status });
  }

  #queue(n: number): Promise<Bundle<Encounter>> {
    const day = new Date(this.#firstDay + Math.floor(n / visitsPerDay) * dayMs).toISOString().slice(0, 10);
    const practitioner = referenceTo('Practitioner', n % practitioners);
    return this.#api.ask('GET', `/Encounter/$queue?practitioner=${practitioner}&date=${day}`, 200);
  }

  async #invoice({ id }: Stored<Appointment>): Promise<Stored<Invoice>> {
    const identifier = encodeURIComponent(`https://hpms.example/fhir/sid/auto-invoice|${id}`);
    const startedAt = performance.now();
    while (performance.now() - startedAt < waitMs) {
      const { entry } = await this.#api.ask<Bundle<Invoice>>('GET', `/Invoice?identifier=${identifier}`, 200);
      const invoice = entry?.[0]?.resource;
      if (invoice) return invoice as Stored<Invoice>;
      await sleep(5);
    }
    throw new Error(`Appointment/${id} is fulfilled for ${waitMs} ms and has no Invoice.`);
  }

  #issue(invoice: Stored<Invoice>): Promise<Stored<Invoice>> {
    return this.#api.ask('PUT', `/Invoice/${invoice.id}`, 200, { ...invoice, status: 'issued' });
  }

  #pay({ id, totalGross }: Stored<Invoice>): Promise<Stored<PaymentReconciliation>> {
    return this.#api.ask('POST', '/PaymentReconciliation', 201, cashFor(`Invoice/${id}`, totalGross));
  }
}

/** As contract.md 31 writes it. */
function cashFor(invoice: string, amount: Invoice['totalGross']): PaymentReconciliation {
  const r5 = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-PaymentReconciliation';
  const concept = (system: string, code: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
  });
  if (!amount) throw new Error(`${invoice} has no total.`);
  return {
    resourceType: 'PaymentReconciliation',
    status: 'active',
    outcome: 'complete',
    created: new Date().toISOString(),
    paymentDate: new Date().toISOString().slice(0, 10),
    paymentAmount: amount,
    extension: [
      { url: `${r5}.type`, valueCodeableConcept: concept('payment-type', 'payment') },
      { url: `${r5}.method`, valueCodeableConcept: concept('v2-0570', 'CASH') },
    ],
    detail: [{ type: concept('payment-type', 'payment'), request: { reference: invoice }, amount }],
  };
}

/** All inputs by a fixed number of connections. */
async function timed<In, Out>(
  step: Step,
  inputs: readonly In[],
  work: (input: In) => Promise<Out>,
): Promise<StepFigures & { readonly results: Out[] }> {
  const results: Out[] = [];
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  let next = 0;
  const run = async () => {
    while (next < inputs.length) {
      const index = next++;
      const sentAt = performance.now();
      results[index] = await work(inputs[index] as In);
      latenciesMs.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, run));
  const perSecond = (inputs.length / (performance.now() - startedAt)) * 1_000;
  return { name: names[step], perSecond, crowded: waitsOf(latenciesMs), results };
}

function waitsOf(latenciesMs: readonly number[]): Waits {
  return { p50Ms: percentile(latenciesMs, 0.5), p95Ms: percentile(latenciesMs, 0.95) };
}
