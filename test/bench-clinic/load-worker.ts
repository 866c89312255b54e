// One core's share of the load: makes the rows of a stretch of numbers and copies them, stretch after stretch.

import { parentPort, workerData } from 'node:worker_threads';
import pg from 'pg';
import { openDoors } from '../../src/doors.ts';
import type { RootSettings } from '../../src/root-settings.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { houseDefinitions } from '../../src/search/own/house-definitions.ts';
import { copyRows } from './copy.ts';
import type { Kind } from './plan.ts';
import { storedResource } from './resources.ts';
import { rowsOf, type TableRows } from './rows.ts';

export interface WorkerSettings {
  /** Of a superuser. */
  readonly databaseUrl: string;
  readonly rootKey: Uint8Array;
  readonly root: RootSettings;
}

/** What the worker is asked for, one at a time; it answers each with how many resources it has written. */
export interface Stretch {
  readonly tenantId: number;
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
  /** Those there are at this stage. */
  readonly patients: number;
}

const { databaseUrl, rootKey, root } = workerData as WorkerSettings;
const doors = openDoors({ databaseUrl, rootKey: Buffer.from(rootKey), root, onIdleError: () => undefined });
const extract = createExtractor(houseDefinitions());
const client = new pg.Client({ connectionString: databaseUrl });
await client.connect();
// What a crash loses is loaded again.
await client.query('SET synchronous_commit = off');

parentPort?.on('message', (stretch: Stretch | 'end') => {
  const work = stretch === 'end' ? end() : load(stretch);
  work.catch((error: unknown) => {
    throw error;
  });
});
parentPort?.postMessage(0);

async function load({ tenantId, kind, from, to, patients }: Stretch): Promise<void> {
  const cipher = await doors.keyRing.cipherOf(tenantId);
  const stored = Array.from({ length: to - from }, (_, n) => storedResource(kind, from + n, patients));
  await client.query('BEGIN');
  for (const rows of byTable(rowsOf(stored, { cipher, extract }))) await copyRows(client, tenantId, rows);
  await client.query('COMMIT');
  parentPort?.postMessage(stored.length);
}

/** One COPY a table. */
function byTable(parts: readonly TableRows[]): TableRows[] {
  const tables = new Map<string, { table: string; columns: readonly string[]; rows: (readonly unknown[])[] }>();
  for (const { table, columns, rows } of parts) {
    const key = `${table} ${columns.join()}`;
    const whole = tables.get(key) ?? { table, columns, rows: [] };
    whole.rows.push(...rows);
    tables.set(key, whole);
  }
  return [...tables.values()];
}

async function end(): Promise<void> {
  await client.end();
  await doors.close();
  parentPort?.close();
}
