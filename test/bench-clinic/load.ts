// Loads a clinic by COPY, with all cores at work: https://www.postgresql.org/docs/current/populate.html

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type pg from 'pg';
import type { Stretch, WorkerSettings } from './load-worker.ts';
import { type Counts, kinds } from './plan.ts';

export interface LoadedPart {
  readonly tenantId: number;
  /** What is there already. */
  readonly from: Counts | undefined;
  readonly to: Counts;
}

/** Resources of one COPY. */
const stretchLength = 500;
const reportEveryMs = 5_000;

/** The stretches of a part: what others refer to comes first. */
export function stretchesOf({ tenantId, from, to }: LoadedPart): Stretch[] {
  const stretches: Stretch[] = [];
  for (const kind of kinds) {
    for (let n = from?.[kind] ?? 0; n < to[kind]; n += stretchLength) {
      stretches.push({ tenantId, kind, from: n, to: Math.min(n + stretchLength, to[kind]), patients: to.Patient });
    }
  }
  return stretches;
}

/** Gives resources a second. */
export async function load(
  settings: WorkerSettings,
  stretches: readonly Stretch[],
  report: (line: string) => void,
): Promise<number> {
  const startedAt = performance.now();
  const all = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  const waiting = [...stretches].reverse();
  let written = 0;
  const rate = () => (written * 1_000) / (performance.now() - startedAt);
  const told = setInterval(() => report(progressLine(written, all, rate())), reportEveryMs);
  try {
    const count = Math.min(availableParallelism(), stretches.length);
    const next = (done: number) => {
      written += done;
      return waiting.pop();
    };
    await Promise.all(Array.from({ length: count }, () => runWorker(settings, next)));
  } finally {
    clearInterval(told);
  }
  report(progressLine(written, all, rate()));
  return rate();
}

function progressLine(written: number, all: number, perSecond: number): string {
  const share = Math.floor((written * 100) / Math.max(all, 1));
  return `${share} % of ${all.toLocaleString('en')} resources, ${Math.round(perSecond).toLocaleString('en')}/s`;
}

function runWorker(settings: WorkerSettings, next: (done: number) => Stretch | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./load-worker.ts', import.meta.url), { workerData: settings });
    worker.on('message', (done: number) => worker.postMessage(next(done) ?? 'end'));
    worker.once('error', reject);
    worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`A worker ended with ${code}.`))));
  });
}

/** Those of search, for which most rows are new. */
const searchIndexes = `NOT indisunique AND EXISTS (
  SELECT FROM pg_attribute WHERE attrelid = indrelid AND attname IN ('type', 'source_type'))`;

/** Building these indexes anew takes less than adding to them row by row, once most rows are new. */
export async function withoutIndexes(
  database: pg.Client,
  work: () => Promise<void>,
  which = searchIndexes,
): Promise<void> {
  const { rows } = await database.query<{ drop: string; build: string }>(`
    SELECT coalesce('ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname,
             'DROP INDEX ' || indexrelid::regclass) AS drop,
           coalesce('ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid),
             pg_get_indexdef(indexrelid)) AS build
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid AND relkind = 'r' AND NOT relispartition
      AND relnamespace = 'store'::regnamespace
    LEFT JOIN pg_constraint ON conindid = indexrelid AND contype = 'u'
    WHERE ${which}`);
  for (const { drop } of rows) await database.query(drop);
  await work();
  await database.query("SET maintenance_work_mem = '1GB'");
  for (const { build } of rows) await database.query(build);
}

export interface TableSize {
  readonly table: string;
  readonly rows: number;
  readonly megabytes: number;
}

/** With indexes; rows as ANALYZE counted them. */
export async function sizesOnDisk(database: pg.Client): Promise<TableSize[]> {
  const { rows } = await database.query<TableSize>(`
    SELECT relname::text AS table, reltuples::float8 AS rows, round(pg_total_relation_size(oid) / 1048576.0)::int AS megabytes
    FROM pg_class WHERE relnamespace = 'store'::regnamespace AND relkind = 'r' AND pg_total_relation_size(oid) > 1048576
    ORDER BY pg_total_relation_size(oid) DESC`);
  return rows;
}
