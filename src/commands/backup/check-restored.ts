// What is asked of a restored database before anybody relies on its backup.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type pg from 'pg';
import type { Config } from '../../config.ts';
import { checkDatabase } from '../../database/self-check.ts';
import { type Doors, openDoors } from '../../doors.ts';
import { createDirectoryObjectStore } from '../../gateways/directory-object-store.ts';
import type { AnchorPlace } from '../../gateways/open-anchor.ts';
import { bringAnchors } from './bring-anchors.ts';
import { readMigrations, withClient } from './database-facts.ts';
import { countRows, readTables } from './logical-tables.ts';
import type { Manifest } from './manifest.ts';
import { objectPath } from './objects.ts';
import { openRows } from './open-rows.ts';

export interface CheckResult {
  readonly name: string;
  /** What was found to be right. */
  readonly detail: string;
  readonly problems: readonly string[];
}

export interface CheckOptions {
  readonly databaseUrl: string;
  /** With `objects/`. */
  readonly dataDir: string;
  readonly crypto: Config['crypto'];
  readonly anchors: AnchorPlace;
  readonly manifest: Manifest;
  readonly progress: (text: string) => void;
}

export async function* checkRestored(options: CheckOptions): AsyncGenerator<CheckResult, void> {
  const { databaseUrl, crypto } = options;
  const doors = openDoors({ databaseUrl, ...crypto, onIdleError: () => undefined });
  const client = (work: (client: pg.Client) => Promise<CheckResult>) => withClient(databaseUrl, work);
  try {
    yield await client((one) => checkMigrations(one, options));
    yield await checkWalls(doors);
    yield await client((one) => checkRows(one, options));
    yield await client(checkIndexes);
    yield await client((one) => checkObjects(one, options));
    yield await client((one) => checkBodies(one, doors, options));
  } finally {
    await doors.close();
  }
  yield await runProof('ledgers', 'ledger-verify.ts', options);
  const hasAnchors = await withClient(databaseUrl, (one) => bringAnchors(one, options.anchors, options.dataDir));
  if (hasAnchors) yield await runProof('audit trail', 'audit-verify.ts', options);
  else yield { name: 'audit trail', detail: 'not verified: no file of anchors is here', problems: [] };
}

async function checkMigrations(client: pg.Client, { manifest }: CheckOptions): Promise<CheckResult> {
  const there = await readMigrations(client);
  const missing = manifest.migrations.filter((name) => !there.includes(name));
  return { name: 'migrations', detail: `${there.length}`, problems: missing.map((name) => `${name} is missing`) };
}

/** As at a start of the server (self-check.ts). */
async function checkWalls({ tenantDoor, systemDoor }: Doors): Promise<CheckResult> {
  const { refusals, missingWalls } = await checkDatabase(tenantDoor, systemDoor);
  const detail = missingWalls.length === 0 ? 'both walls between tenants stand' : missingWalls.join('; ');
  return { name: 'self-check', detail, problems: refusals };
}

/** A physical backup has no numbers to compare with: reading every row is what checks its pages. */
async function checkRows(client: pg.Client, { manifest, progress }: CheckOptions): Promise<CheckResult> {
  progress('counting rows');
  const tables = await readTables(client);
  const counts = await countRows(client, tables);
  const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const problems = (manifest.tables ?? [])
    .filter(({ name, rows: expected }) => counts.get(name) !== expected)
    .map(({ name, rows: expected }) => `${name} has ${counts.get(name)} rows and not ${expected}`);
  return { name: 'rows', detail: `${rows.toLocaleString('en')} in ${tables.length} tables`, problems };
}

/** Of the B-tree indexes: https://www.postgresql.org/docs/current/amcheck.html */
async function checkIndexes(client: pg.Client): Promise<CheckResult> {
  const name = 'indexes';
  const { rowCount } = await client.query("SELECT FROM pg_available_extensions WHERE name = 'amcheck'");
  if (rowCount === 0) return { name, detail: 'not checked, this PostgreSQL has no amcheck', problems: [] };
  await client.query('CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA public');
  const { rows } = await client.query<{ index: string }>(
    `SELECT pg_class.oid::regclass::text AS index FROM pg_class JOIN pg_am ON pg_am.oid = relam
     JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE amname = 'btree' AND relkind = 'i' AND relpersistence = 'p' AND nspname IN ('store', 'shared', 'pg_catalog')`,
  );
  const problems: string[] = [];
  for (const { index } of rows) {
    await client.query('SELECT public.bt_index_check($1::regclass)', [index]).catch((error: unknown) => {
      problems.push(`${index}: ${(error as Error).message}`);
    });
  }
  return { name, detail: `${rows.length}`, problems };
}

async function checkObjects(client: pg.Client, { dataDir }: CheckOptions): Promise<CheckResult> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT object_id AS id FROM store.resource WHERE object_id IS NOT NULL
     UNION SELECT object_id FROM store.history WHERE object_id IS NOT NULL`,
  );
  const missing = rows.filter(({ id }) => !existsSync(objectPath(dataDir, id)));
  const problems = missing.map(({ id }) => `object ${id} is named by a row and missing`);
  return { name: 'objects', detail: `${rows.length.toLocaleString('en')} that rows name`, problems };
}

async function checkBodies(client: pg.Client, { keyRing }: Doors, options: CheckOptions): Promise<CheckResult> {
  const objectStore = createDirectoryObjectStore(path.join(options.dataDir, 'objects'));
  const { opened, damaged, dark } = await openRows({ client, keyRing, objectStore, progress: options.progress });
  const problems = [
    ...dark.map((refusal) => `${refusal} That is right only where it was shredded since.`),
    ...damaged.map((row) => `${row} does not open`),
  ];
  return { name: 'bodies', detail: `${opened.toLocaleString('en')} open with their keys`, problems };
}

/** By a command that says what differs, and ends with 0 where nothing does. */
async function runProof(name: string, file: string, options: CheckOptions): Promise<CheckResult> {
  const env = environmentFor(options);
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '..', file)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  const lines = output.trim().split('\n');
  if (code === 0) return { name, detail: `${lines.length} as they should be`, problems: [] };
  return { name, detail: '', problems: [...lines, ...complaint.trim().split('\n')].filter((line) => line !== '') };
}

/** With the same keys as here, wherever they come from, and of the rest only the restored database. */
function environmentFor({ crypto, databaseUrl, dataDir }: CheckOptions): NodeJS.ProcessEnv {
  const {
    DATABASE_URL_FILE: _url,
    DATABASE_PASSWORD: _password,
    DATABASE_PASSWORD_FILE: _file,
    AUDIT_ANCHOR: _anchor,
    ...env
  } = process.env;
  const { current, keyDir } = crypto.root;
  // One of the data directory is not in the scratch folder.
  const key = current.kind === 'local' && current.key;
  if (key) delete env.ROOT_KEY_FILE;
  return {
    ...env,
    ...(key ? { ROOT_KEY: key.toString('hex') } : {}),
    ...(keyDir === undefined ? {} : { KEY_DIR: keyDir }),
    HPMS_DATA_DIR: dataDir,
    DATABASE_URL: databaseUrl,
  };
}
