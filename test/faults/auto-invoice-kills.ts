// Rounds of domain.md section 3.6: Appointments are fulfilled over HTTP while the workers that bill them are killed at every failure point.

import type { Appointment, Invoice } from '@medplum/fhirtypes';
import type { FailurePoint } from '../../src/jobs/observe.ts';
import { buildAppointment, buildPatient, buildPractitioner, buildPrice } from '../support/builders.ts';
import { type FaultBed, waitFor } from './bed.ts';
import { isQueueEmpty, readQueue } from './job-queue.ts';
import { type LogLine, type MainProcess, type RunningProcess, startMain, startWorker } from './processes.ts';
import { failurePoints, killTiming } from './queue-kills.ts';

export interface Interruption {
  readonly round: number;
  readonly point: FailurePoint;
  /** At which pass of the point. */
  readonly time: number;
  /** Events that the kill has caught half done, by what database and queue say of them afterwards. */
  readonly caught: readonly string[];
}

export interface KillRun {
  readonly interruptions: readonly Interruption[];
  /** Jobs of which a later process has logged that they were interrupted and start again. */
  readonly startedAgain: number;
  /** How many draft Invoices over the price each Appointment of the round has; any other kind of Invoice counts as `wrong`. */
  readonly drafts: Readonly<Record<string, number>>;
}

/** What the bed's Appointments are made of, and the API process that they are written through. */
export interface Billing {
  readonly bed: FaultBed;
  readonly redisUrl: string | undefined;
  readonly api: MainProcess;
  readonly patient: string;
  readonly practitioner: string;
}

const concurrency = 20;
const price = 80;

export async function openBilling(bed: FaultBed, redisUrl?: string): Promise<Billing> {
  const api = await startMain('api', { dataDir: bed.dataDir, databaseUrl: bed.database.url });
  bed.origin = api.origin;
  const [patient, practitioner] = [await bed.a.create(buildPatient()), await bed.a.create(buildPractitioner())];
  await bed.a.create(buildPrice(price));
  return { bed, redisUrl, api, patient: `Patient/${patient.id}`, practitioner: `Practitioner/${practitioner.id}` };
}

export async function closeBilling({ api }: Billing): Promise<void> {
  api.child.kill('SIGTERM');
  await api.exited;
}

/** One round: books, then fulfils a share at each failure point while a worker dies there; at the end two together do the rest. */
export async function runRound(billing: Billing, round: number, appointments: number): Promise<KillRun> {
  const booked = await bookVisits(billing, round, appointments);
  const share = Math.ceil(appointments / failurePoints.length);
  const interruptions: Interruption[] = [];
  const lines: LogLine[] = [];
  for (const [index, point] of failurePoints.entries()) {
    // The relay passes its point once a batch, the workers theirs once a job.
    const time = point === 'relay-added' ? 1 : 1 + ((round * 7) % Math.min(20, share));
    const victim = spawnWorker(billing, { point, time });
    await victim.said('ready');
    const fulfilling = fulfil(billing, booked.slice(index * share, (index + 1) * share));
    await requireKilled(victim, point);
    const caught = await waitForCaught(billing, point);
    lines.push(...victim.lines);
    interruptions.push({ round, point, time, caught });
    await fulfilling;
  }
  const survivors = [spawnWorker(billing), spawnWorker(billing)];
  await waitFor('every event done and every job out of the queue', () => isAllDone(billing), 60_000);
  for (const { child, exited, lines: said } of survivors) {
    child.kill('SIGTERM');
    await exited;
    lines.push(...said);
  }
  const startedAgain = lines.filter(({ msg }) => msg === 'A job was interrupted and starts again.').length;
  return { interruptions, startedAgain, drafts: await countDrafts(billing, booked) };
}

async function countDrafts({ bed }: Billing, visits: readonly Visit[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = Object.fromEntries(visits.map(({ id }) => [id, 0]));
  for (const { identifier, status, totalGross } of await bed.a.all<Invoice>('Invoice')) {
    const of = identifier?.find(({ system }) => system?.endsWith('/sid/auto-invoice'))?.value ?? '';
    if (status !== 'draft' || totalGross?.value !== price) counts.wrong = 1;
    else if (counts[of] !== undefined) counts[of] += 1;
  }
  return counts;
}

type Visit = Appointment & { readonly id: string };

async function bookVisits(billing: Billing, round: number, count: number): Promise<Visit[]> {
  const first = Date.parse('2027-01-04T00:00:00Z') + round * count * 60_000;
  const visits = Array.from({ length: count }, (_, index) =>
    buildAppointment(billing.patient, billing.practitioner, {
      start: new Date(first + index * 60_000).toISOString(),
      end: new Date(first + (index + 1) * 60_000).toISOString(),
    }),
  );
  return await inLanes(visits, (visit) => billing.bed.a.create(visit));
}

async function fulfil({ bed }: Billing, visits: readonly Visit[]): Promise<void> {
  await inLanes(visits, (visit) => bed.a.update({ ...visit, status: 'fulfilled' }));
}

async function inLanes<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const lane = async () => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return results;
}

function spawnWorker(billing: Billing, killAt?: { point: FailurePoint; time: number }): RunningProcess {
  return startWorker({
    databaseUrl: billing.bed.database.url,
    dataDir: billing.bed.dataDir,
    timing: killTiming,
    ...(billing.redisUrl === undefined ? {} : { redisUrl: billing.redisUrl }),
    ...(killAt === undefined ? {} : { killAt }),
  });
}

async function requireKilled(victim: RunningProcess, point: FailurePoint): Promise<void> {
  const { signal, code } = await victim.exited;
  const saidSo = victim.lines.some((line) => line.msg === 'interrupted' && line.point === point);
  if (signal !== 'SIGKILL' || !saidSo) throw new Error(`The worker to be killed at ${point} ended with ${code}.`);
}

/** PostgreSQL takes a moment to roll back what a dead client had begun. */
async function waitForCaught(billing: Billing, point: FailurePoint): Promise<string[]> {
  let caught: string[] = [];
  await waitFor(`an event that was caught at ${point}`, async () => {
    caught = await findCaught(billing, point);
    return caught.length > 0;
  });
  return caught;
}

/**
 * Nobody works now, so what the queue and the database believe is what the dead process left: the queue has the job and the
 * outbox does not know it (relay), or the job has begun and its effect is absent (before and after the effect) or there (before ack).
 */
async function findCaught(billing: Billing, point: FailurePoint): Promise<string[]> {
  const { waiting, active } = await readQueue(billing.bed.database.url, billing.redisUrl);
  const inQueue = point === 'relay-added' ? [...waiting, ...active] : active;
  const rows = await billing.bed.sql<{ id: string }>(
    `SELECT id FROM store.outbox LEFT JOIN store.inbox ON inbox.outbox_id = outbox.id
       LEFT JOIN store.auto_invoice ON appointment_id = resource_id
     WHERE id = ANY($1::uuid[]) AND status = ANY($2)
       AND (inbox.outbox_id IS NOT NULL AND invoice_id IS NOT NULL) = $3 AND (inbox.outbox_id IS NULL) = (invoice_id IS NULL)`,
    [inQueue, statesAt[point], point === 'worker-before-ack'],
  );
  return rows.map(({ id }) => id);
}

/** A worker may get a job before the relay that has added it commits the mark. */
const statesAt: Readonly<Record<FailurePoint, readonly string[]>> = {
  'relay-added': ['pending'],
  'worker-before-effect': ['pending', 'published'],
  'worker-after-effect': ['pending', 'published'],
  'worker-before-ack': ['done'],
};

async function isAllDone({ bed, redisUrl }: Billing): Promise<boolean> {
  const undone = await bed.sql("SELECT FROM store.outbox WHERE status <> 'done'");
  return undone.length === 0 && (await isQueueEmpty(bed.database.url, redisUrl));
}

/** Kills per point and round, and the events each has caught. */
export function summaryOf(title: string, runs: readonly KillRun[]): string {
  const lines = runs.map(({ interruptions, startedAgain, drafts }) => {
    const cells = interruptions.map(({ time, caught }) => `pass ${time}, ${caught.length} caught`.padEnd(22));
    const counts = Object.values(drafts);
    const sum = counts.reduce((total, count) => total + count, 0);
    const outcome = `${String(startedAgain).padEnd(13)}${counts.length} / ${sum}`;
    return `${String(interruptions[0]?.round).padStart(5)}  ${cells.join('')}${outcome}`;
  });
  const kills = runs.reduce((sum, { interruptions }) => sum + interruptions.length, 0);
  return [
    `${title}: kills by failure point`,
    `round  ${failurePoints.map((point) => point.padEnd(22)).join('')}started again  visits / drafts`,
    ...lines,
    `${kills} kills in ${runs.length} rounds`,
  ].join('\n');
}
