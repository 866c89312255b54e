// `npm run bench:audit -- [--events 10000000] [--seconds 60] [--data DIR]`: how long an auditor waits among so many AuditEvents of a year,
// in two rounds of so many seconds.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Bundle } from '@medplum/fhirtypes';
import type pg from 'pg';
import { openDoors } from '../../src/doors.ts';
import type { FhirApi } from '../bench/fhir-api.ts';
import { describeMachine, publish } from '../bench/machine.ts';
import { percentile } from '../bench/measure.ts';
import { openBench } from '../bench/open-bench.ts';
import { keysOf, type RunningProcess, superuserUrl } from '../bench/processes.ts';
import { table } from '../bench/report.ts';
import { runBench } from '../bench/run-bench.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { loadYear } from './load.ts';
import { addressOf, askedPatient, askedUser, months, patientsAmong } from './plan.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '60' },
    data: { type: 'string' },
  },
});
const events = numberWithin('events', 10_000, 100_000_000);
const seconds = numberWithin('seconds', 1, 3_600);
const goalMs = 50;
const auditors = 4;

const startedAt = performance.now();
const dataDir = values.data === undefined ? makeTemporaryFolder() : path.resolve(values.data);
/** Says that the year is loaded, how many events it has and when it begins. */
const loadedFile = path.join(dataDir, 'loaded-events.json');
let running: RunningProcess | undefined;
await runBench({ dataDir, bench, cleanUp });

interface Question {
  readonly name: string;
  readonly path: (pick: (below: number) => number) => string;
  /** Where none are expected there may be none. */
  readonly entriesMin: number;
}

interface Figures {
  readonly name: string;
  readonly asked: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Of the two rounds: what is read first comes from the disk, by a server that compiles its code meanwhile. */
interface Rounds extends Figures {
  readonly firstP95Ms: number;
}

async function bench(): Promise<void> {
  progress('starting the server');
  const { api, database, tenantId } = await openBench(dataDir, (server) => {
    running = server;
  });
  const from = await year(database, tenantId);
  await untilSealed(database, tenantId);
  const questions = questionsOn(from);
  const first = await round(api, 'first round', questions);
  const second = await round(api, 'second round', questions);
  const figures = second.map((one, index): Rounds => ({ ...one, firstP95Ms: first[index]?.p95Ms ?? 0 }));
  const { rows } = await database.query<{ version: string; megabytes: number }>(
    `SELECT current_setting('server_version') AS version, round(sum(pg_total_relation_size(inhrelid)) / 1048576)::int AS megabytes
     FROM pg_inherits WHERE inhparent = 'store.audit_event'::regclass`,
  );
  await database.end();
  await api.close();
  const machine = describeMachine(rows[0]?.version ?? '');
  const size = `${events.toLocaleString('en')} AuditEvents in ${months} months, ${rows[0]?.megabytes.toLocaleString('en')} MB with indexes`;
  const markdown = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memory}; Node ${machine.node}, PostgreSQL ${machine.postgresql}; ${size}; ${auditors} auditors who ask again at once, client and database on the same machine.`,
    '',
    ...table([
      ['AuditEvent search, newest first, pages of 20', 'asked', 'p50 ms', 'p95 ms', 'goal', 'p95 ms, first round'],
      ...figures.map(({ name, asked, p50Ms, p95Ms, firstP95Ms }) => [
        ...[name, String(asked), p50Ms.toFixed(1), p95Ms.toFixed(1)],
        ...[`${p95Ms < goalMs ? 'yes:' : 'NO:'} under ${goalMs}`, firstP95Ms.toFixed(1)],
      ]),
    ]),
  ].join('\n');
  publish({ machine, events, figures }, { prefix: 'audit-', markdown });
}

async function year(database: pg.Client, tenantId: number): Promise<Date> {
  if (existsSync(loadedFile)) {
    const loaded = JSON.parse(readFileSync(loadedFile, 'utf8')) as { events: number; from: string };
    if (loaded.events !== events) throw new Error(`There are ${loaded.events} events in ${dataDir}.`);
    return new Date(loaded.from);
  }
  const doors = openDoors({ databaseUrl: superuserUrl(dataDir), ...keysOf(dataDir), onIdleError: () => undefined });
  const cipher = await doors.keyRing.cipherOf(tenantId);
  const from = await loadYear({ database, cipher, tenantId, events, report: progress });
  await doors.close();
  writeFileSync(loadedFile, JSON.stringify({ events, from: from.toISOString() }));
  return from;
}

/** The sealer is never so far behind in a clinic whose events come one after the other. */
async function untilSealed(database: pg.Client, tenantId: number): Promise<void> {
  const text = 'SELECT coalesce(max(size), 0)::float8 AS size FROM store.seal_head WHERE tenant_id = $1';
  for (let said = -1; ; await sleep(1_000)) {
    const { rows } = await database.query<{ size: number }>(text, [tenantId]);
    const share = Math.floor(((rows[0]?.size ?? 0) * 100) / events);
    if (share >= said + 5) {
      progress(`${Math.min(share, 100)} % are sealed`);
      said = share;
    }
    if (share >= 100) return;
  }
}

function questionsOn(from: Date): Question[] {
  const patients = patientsAmong(events);
  type Pick = (below: number) => number;
  const monthFrom = (month: number) => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + month, 1));
  const within = (first: Date, end: Date) => `date=ge${first.toISOString()}&date=lt${end.toISOString()}`;
  // This month is not over.
  const month = (pick: Pick) => {
    const n = pick(months - 1);
    return within(monthFrom(n), monthFrom(n + 1));
  };
  const day = (pick: Pick) => {
    const first = new Date(from.getTime() + pick(330) * 86_400_000);
    return within(first, new Date(first.getTime() + 86_400_000));
  };
  const patient = (pick: Pick) => askedPatient(patients, pick);
  const some = (name: string, path: (pick: Pick) => string, entriesMin = 1): Question => {
    return { name, path: (pick) => `/AuditEvent?${path(pick)}&_count=20`, entriesMin };
  };
  return [
    some('a patient in a month', (pick) => `patient=${patient(pick)}&${month(pick)}`),
    some('a patient as an entity in a month', (pick) => `entity=${patient(pick)}&${month(pick)}`),
    some('a patient, the newest', (pick) => `patient=${patient(pick)}`),
    some('a user in a month', (pick) => `agent=${askedUser(pick)}&${month(pick)}`),
    some('a user on a day', (pick) => `agent=${askedUser(pick)}&${day(pick)}`, 0),
    some('what a user changed in a month', (pick) => `agent=${askedUser(pick)}&action=U&${month(pick)}`, 0),
    some('what a user did with a patient', (pick) => `agent=${askedUser(pick)}&patient=${patient(pick)}`, 0),
    some('an address in a month', (pick) => `address:exact=${addressOf(0)}&${month(pick)}`),
    some('what a user was refused in a month', (pick) => `outcome=4&agent=${askedUser(pick)}&${month(pick)}`, 0),
    some('a resource', (pick) => `entity=Observation/observation-${pick(events)}`, 0),
    some('nobody', () => 'patient=Patient/nobody', 0),
  ];
}

async function round(api: FhirApi, name: string, questions: readonly Question[]): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (const question of questions) {
    progress(`${name}: ${question.name}`);
    figures.push(await measure(api, question));
  }
  return figures;
}

/** The first tenth is not counted. */
async function measure(api: FhirApi, { name, path: pathOf, entriesMin }: Question): Promise<Figures> {
  const latenciesMs: number[] = [];
  const began = performance.now();
  const shareMs = (seconds * 1_000) / 11;
  const ask = async () => {
    while (performance.now() - began < shareMs) {
      const askedAt = performance.now();
      const { entry = [] } = await api.ask<Bundle>('GET', pathOf(pickBelow), 200);
      if (askedAt - began > shareMs / 10) latenciesMs.push(performance.now() - askedAt);
      if (entry.length < entriesMin) throw new Error(`${name} finds ${entry.length}.`);
    }
  };
  await Promise.all(Array.from({ length: auditors }, ask));
  return { name, asked: latenciesMs.length, p50Ms: percentile(latenciesMs, 0.5), p95Ms: percentile(latenciesMs, 0.95) };
}

function pickBelow(below: number): number {
  return Math.floor(Math.random() * below);
}

async function cleanUp(): Promise<void> {
  await running?.stop();
  running = undefined;
  if (values.data === undefined) rmSync(dataDir, { recursive: true, force: true });
}

function progress(line: string): void {
  console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(5)} s  ${line}`);
}

function numberWithin(name: 'events' | 'seconds', least: number, most: number): number {
  const number = Number(values[name]);
  if (!(number >= least && number <= most)) throw new Error(`--${name} is a number from ${least} to ${most}.`);
  return number;
}
