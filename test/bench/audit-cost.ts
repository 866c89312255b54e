// What it costs that every read is on record before it is answered: the same reads with the trail, its AuditEvents made by a worker or
// by the process itself, without it, and with its blocks alone, each from a process of its own of the same age, for one that has done
// much else is slower by itself. The server is the worker, and seals beside them.

import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from '../support/free-port.ts';
import { drive } from './driver.ts';
import type { FhirApi } from './fhir-api.ts';
import { percentile } from './measure.ts';
import { type RunningProcess, startAuditServer, superuserUrl } from './processes.ts';
import type { SingleFigure } from './report.ts';

export interface AuditCostOptions {
  readonly dataDir: string;
  readonly api: FhirApi;
  /** Ids of Patients. */
  readonly patients: readonly string[];
  /** A turn of each of the four takes half of it, up to a bound: at the usual six several times as long as the sealer's round. */
  readonly seconds: number;
}

/**
 * Many who share a commit, as in a clinic, for which there are goals, and as few as everywhere else in this bench. Rounds go there and
 * back again, for a machine of others gets slower or faster meanwhile; an odd number of them has a median.
 */
const many = { connections: 64, rounds: 13 };
const few = { connections: 16, rounds: 5 };
const turnsPerScenario = 2;
/** Until what it does is compiled, after some 30,000 reads: a server runs for days. */
const warmUpMs = 10_000;

/** Blocks that wait longer are taken for leftovers of a process that is gone (sweep-blocks.ts), also those of which none are to be made. */
const turnMsMax = 3_500;
/** Until as many AuditEvents are made as reads are answered: what can be kept up is to be measured. */
const runInMs = 500;
/** AuditEvents are made within this, so what is left behind of a round must not weigh on the next. */
const settleMs = 2_500;

export async function auditCostFigures(options: AuditCostOptions): Promise<SingleFigure[]> {
  const running: RunningProcess[] = [];
  const database = new pg.Client({ connectionString: superuserUrl(options.dataDir) });
  await database.connect();
  try {
    const origins = { off: '', blocks: '', worker: '', itself: '' };
    for (const part of parts) {
      const port = await freePort();
      running.push(await startAuditServer(options.dataDir, options.api.origin, { part, port }));
      origins[part] = `http://127.0.0.1:${port}`;
    }
    return [
      ...figuresOf(await measure(options, origins, database, many)),
      ...sharesOf(await measure(options, origins, database, few), few.connections),
    ];
  } finally {
    for (const one of running) await one.stop();
    await database.end();
  }
}

/** Those with goals are next to what they are compared with. */
const parts = ['blocks', 'off', 'worker', 'itself'] as const;
type Part = (typeof parts)[number];
/** Reads a second in each round. */
type Rates = Record<Part, number[]>;

async function measure(
  options: AuditCostOptions,
  origins: Readonly<Record<Part, string>>,
  database: pg.Client,
  { connections, rounds }: { readonly connections: number; readonly rounds: number },
): Promise<Rates> {
  const makesEvents = (part: Part) => part === 'worker' || part === 'itself';
  const turn = async (part: Part, durationMs: number) => {
    await readFor(options, origins[part], runInMs, connections);
    const before = await factsWaiting(database);
    const { calls, seconds } = await readFor(options, origins[part], durationMs, connections);
    const fellBehind = makesEvents(part) ? (await factsWaiting(database)) - before : 0;
    if (makesEvents(part)) await settled(database);
    await sealed(database);
    await database.query('DELETE FROM store.access_block');
    return (calls - Math.max(fellBehind, 0)) / seconds;
  };
  for (const part of parts) await turn(part, warmUpMs);
  const turnMs = Math.min((options.seconds * 1_000) / turnsPerScenario, turnMsMax);
  const rates: Rates = { off: [], blocks: [], worker: [], itself: [] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? parts : parts.toReversed();
    for (const part of order) rates[part].push(await turn(part, turnMs));
  }
  return rates;
}

interface Done {
  readonly calls: number;
  readonly seconds: number;
}

async function readFor(
  { api, patients }: AuditCostOptions,
  origin: string,
  durationMs: number,
  connections: number,
): Promise<Done> {
  let number = 0;
  const { seconds, latenciesMs } = await drive({
    origin,
    authorization: await api.authorization(),
    connections,
    durationMs,
    next: () => ({
      method: 'GET',
      path: `${api.basePath}/Patient/${patients[(number++ * 31) % patients.length]}`,
      status: 200,
      check: () => undefined,
    }),
  });
  return { calls: latenciesMs.length, seconds };
}

/** Reads that are not AuditEvents yet. */
async function factsWaiting(database: pg.Client): Promise<number> {
  const text = 'SELECT coalesce(sum(cardinality(ids)), 0)::int AS count FROM store.access_block';
  const { rows } = await database.query<{ count: number }>(text);
  return rows[0]?.count ?? 0;
}

/** Resolves when all are AuditEvents. Fails where they come later than they must. */
async function settled(database: pg.Client): Promise<void> {
  const endAt = performance.now() + settleMs;
  for (;;) {
    const waiting = await factsWaiting(database);
    if (waiting === 0) return;
    if (performance.now() > endAt) throw new Error(`${waiting} reads are not AuditEvents in time.`);
    await delay(20);
  }
}

/** What the sealer has left to do must not weigh on the next round either. */
async function sealed(database: pg.Client): Promise<void> {
  const endAt = performance.now() + settleMs;
  const { rows } = await database.query<{ count: number }>('SELECT count(*)::int FROM store.audit_event');
  const unsealed = `SELECT $1 - sum(size)::int AS count FROM (
    SELECT DISTINCT ON (tenant_id) size FROM store.seal_head ORDER BY tenant_id, size DESC)`;
  for (;;) {
    const left = await database.query<{ count: number }>(unsealed, [rows[0]?.count]);
    if ((left.rows[0]?.count ?? 1) <= 0) return;
    if (performance.now() > endAt) throw new Error(`${left.rows[0]?.count} AuditEvents are not sealed in time.`);
    await delay(20);
  }
}

function figuresOf(rates: Rates): SingleFigure[] {
  const { connections } = many;
  return [
    {
      name: `reads without the access trail, ${connections} connections`,
      value: percentile(rates.off, 0.5),
      unit: '/s',
    },
    { name: `reads with it, ${connections} connections`, value: percentile(rates.worker, 0.5), unit: '/s' },
    ...sharesOf(rates, connections, { worker: 60, blocks: 80 }),
  ];
}

/** The median of the shares of the rounds: a machine of others changes its speed from one round to the next. */
function sharesOf(rates: Rates, connections: number, goals: Partial<Record<Part, number>> = {}): SingleFigure[] {
  const share = (part: Part, what: string): SingleFigure => {
    const shares = rates[part].map((rate, round) => (rate / (rates.off[round] as number)) * 100);
    const goal = goals[part] === undefined ? {} : { atLeast: goals[part] };
    return {
      name: `share of reads ${what}, ${connections} connections`,
      value: percentile(shares, 0.5),
      unit: '%',
      ...goal,
    };
  };
  return [
    share('worker', 'with the trail, a worker makes AuditEvents'),
    share('itself', 'with the trail, AuditEvents of its own'),
    share('blocks', 'while AuditEvents are not made'),
  ];
}
