// Seeded traffic of two clinics: every request is written down before it is sent and its answer after, so that a checker can judge.

import { setTimeout as delay } from 'node:timers/promises';
import type { Appointment, Bundle, Resource } from '@medplum/fhirtypes';
import {
  buildAppointment,
  buildObservation,
  buildPatient,
  buildPractitioner,
  buildPrice,
  buildTransaction,
} from '../support/builders.ts';
import type { TestResponse } from '../support/server.ts';
import type { FaultBed, FaultClient } from './bed.ts';

/** The identifier of everything an intent makes has its marker as value. */
export const markerSystem = 'urn:hpms:test-marker';

export interface Intent {
  readonly client: FaultClient;
  readonly what: 'patient' | 'bundle' | 'visit' | 'fulfil';
  readonly marker: string;
  /** Resources that carry the marker when it is done. */
  readonly size: number;
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: string;
  /** Each status that came back, or what was wrong: `lost` is a connection that broke, `refused` one that never was. */
  readonly attempts: (number | string)[];
  /** The last answer below 500: nobody knows what became of an intent without one. */
  answer?: TestResponse;
}

/** 0 to 1, the same sequence for the same seed: https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32 */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Another one each run, unless SEED gives it back to repeat a failure. */
export function chooseSeed(): number {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stderr.write(`seed ${seed} (repeat with SEED=${seed})\n`);
  return seed;
}

interface Clinic {
  readonly client: FaultClient;
  readonly patient: string;
  readonly practitioners: readonly string[];
}

const firstSlot = Date.parse('2026-11-23T08:00:00Z');
const quarterMs = 15 * 60_000;
/** A lane whose request failed does not hammer a server that is away. */
const pauseMs = 60;
const largestBundle = 8;

export class Load {
  readonly intents: Intent[] = [];
  readonly seed: number;
  readonly #clinics: readonly Clinic[];
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();
  #lanes = 0;

  /** Gives both clinics a patient, practitioners and a price. */
  static async open(bed: FaultBed, seed = chooseSeed()): Promise<Load> {
    return new Load(seed, [await furnish(bed.a), await furnish(bed.b)]);
  }

  private constructor(seed: number, clinics: readonly Clinic[]) {
    this.seed = seed;
    this.#clinics = clinics;
  }

  /** So many clients more begin to send, until `stop`. */
  start(lanes: number): void {
    this.#isOver = false;
    const numbers = Array.from({ length: lanes }, () => ++this.#lanes);
    this.#running = Promise.all([this.#running, ...numbers.map((lane) => this.#runLane(lane))]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #runLane(lane: number): Promise<void> {
    const random = seededRandom(this.seed + lane);
    const clinic = this.#clinics[lane % this.#clinics.length]!;
    const visits: Appointment[] = [];
    for (let step = 0; !this.#isOver; step++) {
      const intent = makeIntent(clinic, `${this.seed}-${lane}-${step}`, random, visits);
      this.intents.push(intent);
      await attempt(intent);
      if (intent.what === 'visit' && intent.answer?.status === 201) visits.push(intent.answer.json);
      if (!intent.answer) await delay(pauseMs);
    }
  }
}

async function furnish(client: FaultClient): Promise<Clinic> {
  const patient = await client.create(buildPatient());
  const practitioners = await Promise.all([1, 2, 3].map(() => client.create(buildPractitioner())));
  await client.create(buildPrice(80));
  return {
    client,
    patient: `Patient/${patient.id}`,
    practitioners: practitioners.map(({ id }) => `Practitioner/${id}`),
  };
}

function makeIntent(clinic: Clinic, marker: string, random: () => number, visits: Appointment[]): Intent {
  const chance = random();
  if (chance < 0.2) {
    const visit = visits.pop();
    if (visit) return intentOf(clinic, 'fulfil', visit.identifier![0]!.value!, { ...visit, status: 'fulfilled' });
  }
  if (chance < 0.45) return intentOf(clinic, 'visit', marker, bookingOf(clinic, marker, random));
  if (chance < 0.7) return intentOf(clinic, 'patient', marker, buildPatient({ identifier: markedBy(marker) }));
  return intentOf(clinic, 'bundle', marker, bundleOf(marker, 2 + Math.floor(random() * (largestBundle - 1))));
}

function intentOf({ client }: Clinic, what: Intent['what'], marker: string, resource: Resource): Intent {
  const { resourceType, id } = resource;
  const paths = { patient: '/Patient', bundle: '', visit: '/Appointment', fulfil: `/${resourceType}/${id}` };
  return {
    client,
    what,
    marker,
    size: resource.resourceType === 'Bundle' ? (resource.entry?.length ?? 0) : 1,
    method: what === 'fulfil' ? 'PUT' : 'POST',
    path: paths[what],
    body: JSON.stringify(resource),
    attempts: [],
  };
}

function markedBy(marker: string) {
  return [{ system: markerSystem, value: marker }];
}

/** Half an hour that begins at some quarter: many of them meet. */
function bookingOf({ patient, practitioners }: Clinic, marker: string, random: () => number): Appointment {
  const start = firstSlot + Math.floor(random() * 1_000) * quarterMs;
  const practitioner = practitioners[Math.floor(random() * practitioners.length)]!;
  return buildAppointment(patient, practitioner, {
    identifier: markedBy(marker),
    start: new Date(start).toISOString(),
    end: new Date(start + 2 * quarterMs).toISOString(),
  });
}

/** A Patient and Observations of it. */
export function bundleOf(marker: string, size: number): Bundle {
  const identifier = markedBy(marker);
  const patientId = `00000000-0000-4000-8000-000000000000`;
  const patient = buildPatient({ id: patientId, identifier });
  const observation = buildObservation(`urn:uuid:${patientId}`, { identifier });
  return buildTransaction([patient, ...Array.from({ length: size - 1 }, () => observation)]);
}

/** Sends it once more; a POST carries its marker as Idempotency-Key, so that repeating it is safe. */
export async function attempt(intent: Intent): Promise<void> {
  const { client, method, path, body, marker, attempts } = intent;
  try {
    const answer = await client.request(method, path, body, method === 'POST' ? { 'Idempotency-Key': marker } : {});
    const isBare = answer.status === 503 && !answer.headers.has('Retry-After');
    attempts.push(isBare ? '503 without Retry-After' : answer.status);
    if (answer.status < 500 && !isStillRunning(answer)) intent.answer = answer;
  } catch (error) {
    attempts.push(tokenStatus(error) ?? (isRefused(error) ? 'refused' : 'lost'));
  }
}

/** It was time for another token, and that was refused: the request itself was never sent. */
function tokenStatus(error: unknown): number | undefined {
  const status = /^There is no token: (\d+)$/.exec((error as Error).message)?.[1];
  return status === undefined ? undefined : Number(status);
}

/** Nobody listened: the request was never on its way. */
function isRefused(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code === 'ECONNREFUSED';
}

/** The server of the first attempt is dead, and its database session not yet. */
function isStillRunning({ status, text }: TestResponse): boolean {
  return status === 409 && text.includes('still runs');
}
