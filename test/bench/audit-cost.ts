// What it costs that every read is on record before it is answered: the same reads with the trail, without it, and with its blocks alone,
// each from a process of its own of the same age, for one that has done much else is slower by itself. The server seals beside them.

import pg from 'pg';
import { freePort } from '../support/free-port.ts';
import { drive } from './driver.ts';
import type { FhirApi } from './fhir-api.ts';
import { type RunningProcess, startAuditServer, superuserUrl } from './processes.ts';
import type { SingleFigure } from './report.ts';

export interface AuditCostOptions {
  readonly dataDir: string;
  readonly api: FhirApi;
  /** Ids of Patients. */
  readonly patients: readonly string[];
  /** Of each turn of each of the three: several times as long as the sealer's round. */
  readonly seconds: number;
}

/** Many who share a commit, as in a clinic, and as few as everywhere else in this bench. */
const [many, few] = [64, 16];
const rounds = 3;
const warmUpMs = 1_500;

/** AuditEvents are made within this, so what is left behind of a round must not weigh on the next. */
const settleMs = 2_500;

export async function auditCostFigures(options: AuditCostOptions): Promise<SingleFigure[]> {
  const running: RunningProcess[] = [];
  const database = new pg.Client({ connectionString: superuserUrl(options.dataDir) });
  await database.connect();
  try {
    const origins = { events: '', blocks: '', off: '' };
    for (const part of parts) {
      const port = await freePort();
      running.push(await startAuditServer(options.dataDir, options.api.origin, { part, port }));
      origins[part] = `http://127.0.0.1:${port}`;
    }
    return [
      ...figuresOf(await measure(options, origins, database, many)),
      ...sharesOf(await measure(options, origins, database, few)),
    ];
  } finally {
    for (const one of running) await one.stop();
    await database.end();
  }
}

const parts = ['off', 'blocks', 'events'] as const;
type Part = (typeof parts)[number];
type Rates = Record<Part, number>;

async function measure(
  options: AuditCostOptions,
  origins: Readonly<Record<Part, string>>,
  database: pg.Client,
  connections: number,
): Promise<Rates> {
  const calls = { events: 0, blocks: 0, off: 0 };
  const turn = async (part: Part, durationMs: number) => {
    const done = await readFor(options, origins[part], durationMs, connections);
    if (part === 'blocks') await database.query('DELETE FROM store.access_block');
    else if (part === 'events') await settled(database);
    return done;
  };
  for (const part of parts) await turn(part, warmUpMs);
  const turnMs = options.seconds * 1_000;
  for (let round = 0; round < rounds; round++) for (const part of parts) calls[part] += await turn(part, turnMs);
  const perSecond = (part: Part) => calls[part] / rounds;
  return { events: perSecond('events'), blocks: perSecond('blocks'), off: perSecond('off') };
}

/** Calls a second. */
async function readFor(
  { api, patients }: AuditCostOptions,
  origin: string,
  durationMs: number,
  connections: number,
): Promise<number> {
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
  return latenciesMs.length / seconds;
}

/** Fails where AuditEvents come later than they must. */
async function settled(database: pg.Client): Promise<void> {
  const endAt = performance.now() + settleMs;
  for (;;) {
    const { rows } = await database.query<{ count: number }>('SELECT count(*)::int FROM store.access_block');
    if (rows[0]?.count === 0) return;
    if (performance.now() > endAt) throw new Error(`${rows[0]?.count} blocks are not AuditEvents in time.`);
  }
}

function figuresOf({ events, blocks, off }: Rates): SingleFigure[] {
  return [
    { name: `reads with the access trail, ${many} connections`, value: events, unit: '/s' },
    { name: `reads without it, ${many} connections`, value: off, unit: '/s' },
    { name: `share of reads with the trail, ${many} connections`, value: (events / off) * 100, unit: '%', atLeast: 60 },
    {
      name: `share while AuditEvents are not made, ${many} connections`,
      value: (blocks / off) * 100,
      unit: '%',
      atLeast: 80,
    },
  ];
}

function sharesOf({ events, blocks, off }: Rates): SingleFigure[] {
  return [
    { name: `share of reads with the trail, ${few} connections`, value: (events / off) * 100, unit: '%' },
    { name: `share while AuditEvents are not made, ${few} connections`, value: (blocks / off) * 100, unit: '%' },
  ];
}
