// `npm run bench:clinic -- [--scale 0.01] [--seconds 30] [--users 200] [--data DIR] [--buffers 16GB]`: a clinic of five years, loaded at a
// hundredth and then whole, how long its people wait for each answer, and how fast its visits are worked on. A DIR is kept: the next run finds
// the clinic loaded, with the buffers it had, and measures it whole. With buffers, the database keeps in memory what searches read, as far as it fits.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { type Doors, openDoors } from '../../src/doors.ts';
import { createTenant } from '../../src/tenants/create-tenant.ts';
import type { FhirApi } from '../bench/fhir-api.ts';
import { describeMachine, publish } from '../bench/machine.ts';
import { residentMegabytes } from '../bench/memory.ts';
import { type Bench, openBench } from '../bench/open-bench.ts';
import { keysOf, type RunningProcess, superuserUrl } from '../bench/processes.ts';
import { runBench } from '../bench/run-bench.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { loadBooks } from './books.ts';
import { fillBuffers, setBuffers } from './buffers.ts';
import { checkRows } from './check-rows.ts';
import { type LoadedPart, load, sizesOnDisk, stretchesOf, withoutIndexes } from './load.ts';
import { appointmentsPerDay, type Counts, countsAt, dayMs, firstDay, smallTenant, totalOf } from './plan.ts';
import { queriesOn } from './queries.ts';
import { type ClinicResult, markdownOf, type Stage, type Work } from './report.ts';
import { measureReports } from './reports.ts';
import { measureUsers, offeredOf, type UserPlan } from './users.ts';
import { Visits } from './visits.ts';

const smallTenants = 20;
const thinkMs = 1_000;
const stepVisits = 500;
/** An hour's visits (domain.md S4-T2) in a few minutes, and some of them before while nobody else asks. */
const wholeVisits = 2_000;
const aloneVisits = 500;
const visitsPerSecond = 10;

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '0.01' },
    seconds: { type: 'string', default: '30' },
    users: { type: 'string', default: '200' },
    data: { type: 'string' },
    buffers: { type: 'string' },
  },
});
const scale = numberWithin('scale', 0.0001, 10);
const plan: UserPlan = {
  users: Math.round(numberWithin('users', 1, 2_000)),
  thinkMs,
  warmUpSeconds: 60,
  seconds: numberWithin('seconds', 1, 3_600),
};

const startedAt = performance.now();
const dataDir = values.data === undefined ? makeTemporaryFolder() : path.resolve(values.data);
const loadedFile = path.join(dataDir, 'loaded.json');
let running: RunningProcess | undefined;
await runBench({ dataDir, bench, cleanUp });

/** What is in the data directory. */
interface Loaded {
  readonly scale: number;
  readonly perSecond: number;
  /** That the books are of. */
  readonly days: number;
  readonly journals: number;
}

interface Clinic {
  readonly api: FhirApi;
  readonly database: pg.Client;
  readonly doors: Doors;
  readonly pid: number;
  readonly tenantId: number;
}

async function bench(): Promise<void> {
  progress('starting the server');
  const { api, database, tenantId, server } = await openClinic();
  const doors = openDoors({ databaseUrl: superuserUrl(dataDir), ...keysOf(dataDir), onIdleError: () => undefined });
  const clinic: Clinic = { api, database, doors, pid: server.pid, tenantId };
  const stages = await stagesOf(clinic);
  const loaded = readLoaded();
  const reports = await measureReports(clinic.api, { ...loaded, patients: countsAt(scale).Patient }, progress);
  const work = await measureWork(clinic);
  const version = await database.query<{ server_version: string }>('SHOW server_version');
  const sizes = await sizesOnDisk(database);
  await database.end();
  await doors.close();
  await api.close();
  const machine = describeMachine(version.rows[0]?.server_version ?? '');
  const result: ClinicResult = { machine, scale, plan, stages, reports, journals: loaded.journals, work, sizes };
  publish(result, { prefix: 'clinic-', markdown: markdownOf(result) });
}

async function openClinic(): Promise<Bench> {
  const open = () =>
    openBench(dataDir, (started) => {
      running = started;
    });
  const bench = await open();
  if (values.buffers === undefined) return bench;
  await setBuffers(bench.database, values.buffers);
  await bench.database.end();
  await bench.api.close();
  await running?.stop();
  return await open();
}

async function stagesOf(clinic: Clinic): Promise<Stage[]> {
  const all = countsAt(scale);
  if (existsSync(loadedFile)) {
    const loaded = readLoaded();
    if (loaded.scale !== scale) throw new Error(`The clinic in ${dataDir} is of scale ${loaded.scale}.`);
    return [await measure(clinic, all, loaded.perSecond)];
  }
  const part = countsAt(scale / 100);
  const before = await first(clinic, part);
  const loaded = await loadRest(clinic, part, all);
  writeFileSync(loadedFile, JSON.stringify(loaded));
  return [before, await measure(clinic, all, loaded.perSecond)];
}

function readLoaded(): Loaded {
  return JSON.parse(readFileSync(loadedFile, 'utf8')) as Loaded;
}

/** Of all visits until yesterday: nothing is posted of a day to come. */
async function loadBooksOf({ database, doors, tenantId }: Clinic, { Patient: patients, Appointment }: Counts) {
  const days = Math.min(Appointment / appointmentsPerDay, Math.floor((Date.now() - firstDay) / dayMs));
  const cipher = await doors.keyRing.cipherOf(tenantId);
  const journals = await loadBooks({ database, tenantId, cipher, patients, days }, progress);
  return { days, journals };
}

/** A hundredth of the clinic, and the small tenants. */
async function first(clinic: Clinic, counts: Counts): Promise<Stage> {
  const parts: LoadedPart[] = [{ tenantId: clinic.tenantId, from: undefined, to: counts }];
  for (let n = 0; n < smallTenants; n++) {
    const { tenantId } = await createTenant(clinic.doors, { name: `small-${n}` });
    parts.push({ tenantId, from: undefined, to: smallTenant });
  }
  const perSecond = await loadParts(parts);
  const cipher = await clinic.doors.keyRing.cipherOf(clinic.tenantId);
  const compared = await checkRows({ ...clinic, cipher, patients: counts.Patient });
  progress(`${compared} rows of the server's own are the same as the loader's`);
  return await measure(clinic, counts, perSecond);
}

async function loadRest(clinic: Clinic, before: Counts, counts: Counts): Promise<Loaded> {
  const { database, tenantId } = clinic;
  let loaded: Loaded = { scale, perSecond: 0, days: 0, journals: 0 };
  await withoutIndexes(database, async () => {
    const perSecond = await loadParts([{ tenantId, from: before, to: counts }]);
    loaded = { scale, perSecond, ...(await loadBooksOf(clinic, counts)) };
    progress('building the indexes of search');
  });
  return loaded;
}

async function loadParts(parts: readonly LoadedPart[]): Promise<number> {
  const settings = { databaseUrl: superuserUrl(dataDir), ...keysOf(dataDir) };
  return await load(settings, parts.flatMap(stretchesOf), progress);
}

async function measure({ api, database, pid }: Clinic, counts: Counts, perSecond: number): Promise<Stage> {
  // As autovacuum would have done in a clinic that did not come into being a second ago.
  progress('vacuum and checkpoint');
  await database.query('VACUUM ANALYZE');
  await database.query('CHECKPOINT');
  if (values.buffers !== undefined) {
    progress(`reading what searches read into ${values.buffers} of buffers`);
    await fillBuffers(database);
  }
  const queries = queriesOn(counts);
  const offered = await offeredOf(api, queries, progress);
  const resources = totalOf(counts).toLocaleString('en');
  progress(
    `${plan.users} users ask for ${plan.warmUpSeconds} s, and for ${plan.seconds} s that count, among ${resources} resources`,
  );
  const memoryBefore = residentMegabytes(pid);
  const figures = await measureUsers(api, offered, plan);
  const goals = new Map(queries.map(({ name, goalMs }) => [name, goalMs]));
  return {
    resources: totalOf(counts),
    loadedPerSecond: perSecond,
    memoryMegabytes: { before: memoryBefore, after: residentMegabytes(pid) },
    queries: figures.map((figure) => ({ ...figure, goalMs: goals.get(figure.name) ?? 0 })),
    skipped: queries.filter((query) => !offered.includes(query)).map(({ name }) => name),
  };
}

/** The money line of the clinic, alone and beside all its users. */
async function measureWork({ api }: Clinic): Promise<Work> {
  const counts = countsAt(scale);
  const visits = await Visits.open(api, counts.Patient);
  progress(`booking, completing, billing and paying ${stepVisits} visits, step by step`);
  const steps = await visits.steps(stepVisits);
  progress(`${aloneVisits} whole visits, ${visitsPerSecond} a second, alone`);
  const alone = await visits.whole(aloneVisits, visitsPerSecond, (done) =>
    progress(`${done} of ${aloneVisits} visits`),
  );
  progress(`${wholeVisits} whole visits, ${visitsPerSecond} a second, beside ${plan.users} users who read`);
  const offered = await offeredOf(api, queriesOn(counts), progress);
  const seconds = wholeVisits / visitsPerSecond;
  const [beside, figures] = await Promise.all([
    visits.whole(wholeVisits, visitsPerSecond, (done) => progress(`${done} of ${wholeVisits} visits`)),
    measureUsers(api, offered, { ...plan, warmUpSeconds: 0, seconds }),
  ]);
  return { steps, alone, visits: wholeVisits, beside, slowestReads: figures };
}

async function cleanUp(): Promise<void> {
  await running?.stop();
  running = undefined;
  if (values.data === undefined) rmSync(dataDir, { recursive: true, force: true });
}

function progress(line: string): void {
  console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
}

function numberWithin(name: 'scale' | 'seconds' | 'users', least: number, most: number): number {
  const number = Number(values[name]);
  if (!(number >= least && number <= most)) throw new Error(`--${name} is a number from ${least} to ${most}.`);
  return number;
}
