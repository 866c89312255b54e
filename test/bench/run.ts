// `npm run bench`: how fast the server is, beside a floor that does only what cannot be avoided, on one machine and in one run.

import { rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Client } from 'undici';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryFolder } from '../support/temporary-folder.ts';
import { auditCostFigures } from './audit-cost.ts';
import { requireStatus, send } from './driver.ts';
import { type FhirApi, openFhirApi } from './fhir-api.ts';
import { measureInvoiceDelays } from './invoice-delay.ts';
import { describeMachine, publish } from './machine.ts';
import { measureInTurns, type Plan, percentile, type Target } from './measure.ts';
import { loadAllDefinitions, residentMegabytes } from './memory.ts';
import { postmasterPid, type RunningProcess, startFloor, startServer, superuserUrl } from './processes.ts';
import {
  type BenchResult,
  cpuTableOf,
  markdownOf,
  type ScenarioResult,
  type SingleFigure,
  type Sizes,
} from './report.ts';
import { runBench } from './run-bench.ts';
import { madeBy, meanRows, requireSameRows, type StoredRows } from './same-rows.ts';
import { type Scenario, scenariosOn } from './scenarios.ts';
import { type Seeded, seedClinic } from './seed.ts';
import { tokenFigures } from './token-cost.ts';

const connections = 16;
const warmUpMs = 2_000;
const rounds = 4;
const invoiceCount = 50;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '6' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 0.1 && seconds <= 600))
  throw new Error('--seconds is the measured time of each scenario, 0.1 to 600.');

const startedAt = performance.now();
const running: RunningProcess[] = [];
const dataDir = makeTemporaryFolder();
await runBench({ dataDir, bench, cleanUp });

async function bench(): Promise<void> {
  const port = await freePort();
  const single: SingleFigure[] = [];
  const server = await startTwice(port, single);
  const api = openFhirApi(path.join(dataDir, 'demo.json'));
  const database = new pg.Client({ connectionString: superuserUrl(dataDir) });
  // When the bench fails, the server takes its PostgreSQL along and this connection with it.
  database.on('error', () => undefined);
  await database.connect();
  single.push({ name: 'resident memory after the start', value: residentMegabytes(server.pid), unit: 'MB' });
  progress('seeding the clinic');
  const seeded = await seedClinic(api, progress);
  // As autovacuum would have done in a clinic that did not come into being a second ago.
  await database.query('VACUUM ANALYZE');
  await database.query('CHECKPOINT');
  single.push(...(await invoiceFigures(api, seeded)));
  const { rows } = await database.query<{ id: number }>('SELECT id FROM store.tenant WHERE name = $1', [api.tenant]);
  const tenantId = rows[0]?.id as number;
  progress('using access tokens for the first time');
  single.push(...(await tokenFigures(api, `/Patient/${seeded.patients[0]}`, { dataDir, tenantId })));
  progress('reading with the access trail and without');
  single.push(...(await auditCostFigures({ dataDir, api, patients: seeded.patients, seconds })));
  const targets = await openTargets(api, server, tenantId);
  const scenarios = scenariosOn(seeded);
  const sizes = await compareRows(database, tenantId, targets, scenarios);
  const results = await measureAll(scenarios, targets);
  single.push(...(await memoryFigures(api, server)));
  const version = await database.query<{ server_version: string }>('SHOW server_version');
  await database.end();
  await api.close();
  const machine = describeMachine(version.rows[0]?.server_version ?? '');
  const result: BenchResult = { machine, connections, seconds, scenarios: results, single, sizes };
  publish(result, { markdown: `${markdownOf(result)}\n\n${cpuTableOf(results)}` });
}

/** The first start makes the database and the demo clinic. */
async function startTwice(port: number, single: SingleFigure[]): Promise<RunningProcess> {
  progress('starting the server for the first time');
  const first = await startServer(dataDir, port);
  await first.stop();
  progress('starting it again');
  const second = await startServer(dataDir, port);
  running.push(second);
  single.push({ name: 'first start', value: first.startSeconds, unit: 's', goal: 20 });
  single.push({ name: 'second start', value: second.startSeconds, unit: 's', goal: 3 });
  return second;
}

async function invoiceFigures(api: FhirApi, { patients }: Seeded): Promise<SingleFigure[]> {
  progress(`fulfilling ${invoiceCount} appointments, one at a time`);
  const delaysMs = await measureInvoiceDelays(api, patients[0] as string, invoiceCount);
  return [
    { name: 'fulfilled to Invoice, p50', value: percentile(delaysMs, 0.5), unit: 'ms' },
    { name: 'fulfilled to Invoice, p95', value: percentile(delaysMs, 0.95), unit: 'ms', goal: 50 },
  ];
}

async function openTargets(api: FhirApi, server: RunningProcess, tenantId: number): Promise<Target[]> {
  const port = await freePort();
  const floor = await startFloor({ dataDir, tenantId, port, api });
  running.push(floor);
  const { origin, basePath, authorization } = api;
  return [
    { name: 'server', origin, basePath, authorization, pid: server.pid },
    // The header costs the floor its parsing, as it must.
    { name: 'floor', origin: `http://127.0.0.1:${port}`, basePath: '', authorization, pid: floor.pid },
  ];
}

/** Of the scenarios that create; an update writes the same rows as a create, and a copy for the history. */
async function compareRows(
  database: pg.Client,
  tenantId: number,
  targets: readonly Target[],
  scenarios: readonly Scenario[],
): Promise<Sizes[]> {
  progress('comparing what the server and the floor store');
  const sizes: Sizes[] = [];
  for (const scenario of scenarios.filter(({ name }) => /^(create|transaction)/.test(name))) {
    const stored: StoredRows[] = [];
    for (const target of targets) {
      const write = writerOf(scenario, target, 1_000_000 * (stored.length + 1));
      stored.push(await meanRows(database, tenantId, write, Math.max(2, 500 / scenario.resourcesPerCall)));
    }
    const [server, floor] = stored;
    if (!server || !floor) throw new Error('There is nothing to compare.');
    requireSameRows(scenario.name, server, floor);
    sizes.push({
      scenario: scenario.name,
      bodyBytes: Buffer.byteLength(scenario.call(0, '').body ?? ''),
      stored: server,
    });
  }
  return sizes;
}

function writerOf(scenario: Scenario, target: Target, firstNumber: number) {
  return async (n: number) => {
    const client = new Client(target.origin);
    const call = scenario.call(firstNumber + n, target.basePath);
    const answer = await send(client, await target.authorization(), call);
    await client.close();
    requireStatus(call, answer);
    return madeBy(call, answer.body());
  };
}

async function measureAll(scenarios: readonly Scenario[], targets: readonly Target[]): Promise<ScenarioResult[]> {
  const plan: Plan = {
    connections,
    warmUpMs,
    rounds,
    measuredMs: seconds * 1_000,
    postmasterPid: postmasterPid(dataDir),
  };
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    const figures = await measureInTurns(scenario, targets, plan);
    const { server, floor } = figures;
    const rates = [server, floor].map(({ perSecond }) => Math.round(perSecond));
    progress(`${scenario.name}: ${rates[0]}/s, floor ${rates[1]}/s`);
    const { name, ratioGoal } = scenario;
    results.push({ name, ...(ratioGoal === undefined ? {} : { ratioGoal }), ...figures });
  }
  return results;
}

async function memoryFigures(api: FhirApi, server: RunningProcess): Promise<SingleFigure[]> {
  const afterLoad = residentMegabytes(server.pid);
  progress('loading all definitions');
  const types = await loadAllDefinitions(api);
  const name = `resident memory after the run, the definitions of all ${types} types loaded`;
  return [
    { name: 'resident memory after the run', value: afterLoad, unit: 'MB' },
    { name, value: residentMegabytes(server.pid), unit: 'MB', goal: 400 },
  ];
}

async function cleanUp(): Promise<void> {
  // The server last: its PostgreSQL ends with it.
  for (const one of running.splice(0).reverse()) await one.stop();
  rmSync(dataDir, { recursive: true, force: true });
}

function progress(line: string): void {
  console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4)} s  ${line}`);
}
