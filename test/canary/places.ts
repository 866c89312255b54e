// Where an HPMS leaves something behind, brought to rest and listed: each place as streams of bytes that can be searched.

import { execFile } from 'node:child_process';
import { closeSync, createReadStream, openSync, readdirSync, readSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { createZstdDecompress } from 'node:zlib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { rolePassword } from '../../src/database/role-password.ts';
import { createQueues } from '../../src/jobs/queue.ts';
import { usualTiming } from '../../src/jobs/timing.ts';
import { withClient } from '../support/database.ts';
import type { Controls } from './controls.ts';
import { surrounded } from './forms.ts';
import { type Hpms, until } from './hpms.ts';
import { walSegments } from './wal.ts';

export const placeNames = [
  'data files',
  'WAL',
  'WAL archive',
  'dump',
  'object store',
  'backup',
  'logs',
  'queue',
  'metrics',
  'other files',
] as const;
export type PlaceName = (typeof placeNames)[number];

export interface Source {
  readonly place: PlaceName;
  /** A file's path, with the name of the table or index it holds. */
  readonly name: string;
  open(): AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** A job that no handler takes stays in the queue; it is put there as the relay puts its own. */
export async function plantJob(hpms: Hpms, redisUrl: string | undefined, { jobTopic }: Controls): Promise<void> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const queues = createQueues(redisUrl === undefined ? hpms : { redisUrl }, usualTiming, log);
  const producer = await queues.connectProducer();
  await producer.add([{ topic: jobTopic, tenantId: 1, outboxId: '00000000-0000-7000-8000-000000000000' }]);
  await producer.close();
}

export interface RestOptions {
  readonly redisUrl: string | undefined;
  readonly controls: Controls;
  /** At the database before it stops. */
  readonly look?: (client: pg.Client) => Promise<void>;
  readonly withBackup?: boolean;
  /** Leaves out files that nobody has written to since this moment, and the dump of HL7's terminology, which only migrations write. */
  readonly sinceMs?: number | undefined;
}

/** So that what was written before is in files of before. */
export async function settleFiles(hpms: Hpms): Promise<number> {
  await withClient(hpms.databaseUrl, async (client) => {
    await client.query('CHECKPOINT');
    await client.query('SELECT pg_switch_wal()');
  });
  return Date.now();
}

/** Everything that a server in memory may hold is written to disk and dumped; then the server is stopped. */
export async function bringToRest(
  hpms: Hpms,
  { redisUrl, controls, look = async () => undefined, withBackup = false, sinceMs }: RestOptions,
): Promise<Source[]> {
  const metrics = await fetch(`${hpms.origin}/metrics`, {
    headers: { Authorization: `Bearer ${rolePassword(hpms.rootKey, 'metrics')}` },
  });
  const metricsText = Buffer.from(await metrics.text());
  const backup = withBackup ? await backUp(hpms) : undefined;
  plantObject(hpms, controls);
  const { relations, cluster } = await withClient(hpms.databaseUrl, async (client) => {
    await look(client);
    await plantRows(client, controls);
    await analyze(client, sinceMs === undefined ? '' : 'shared');
    await dumpAll(client, hpms.folders.dump, controls, sinceMs === undefined ? '' : 'shared');
    await client.query('CHECKPOINT');
    await archiveWal(client);
    return { relations: await readRelations(client), cluster: await readCluster(client) };
  });
  const redisFolder = redisUrl === undefined ? undefined : await saveRedis(redisUrl);
  await hpms.stop();
  const isWritten = (file: string) => sinceMs === undefined || statSync(file).mtimeMs >= sinceMs;
  return [
    { place: 'metrics', name: '/metrics', open: () => [metricsText] },
    ...walSegments(path.join(cluster, 'pg_wal'))
      .filter(({ file }) => isWritten(file))
      .map(({ file, open }) => walSource('WAL', file, open)),
    ...walSegments(hpms.folders.archive)
      .filter(({ file }) => isWritten(file))
      .map(({ file, open }) => walSource('WAL archive', file, open)),
    // The cluster may lie elsewhere when root runs this: src/database/embedded-place.ts.
    ...[
      ...new Set(
        [hpms.folder, cluster, redisFolder].flatMap((folder) => (folder ? filesOf(folder).filter(isWritten) : [])),
      ),
    ].flatMap((file) => sourceOf(file, { hpms, cluster, redisFolder, relations, backup })),
  ];
}

function plantObject({ folders }: Hpms, { plants }: Controls): void {
  const content = plants.map(({ bytes }) => surrounded(bytes));
  writeFileSync(path.join(folders.data, 'objects', 'planted'), Buffer.concat(content));
}

async function plantRows(client: pg.Client, { plants, postgresValue, statement }: Controls): Promise<void> {
  await client.query(`PREPARE planted AS SELECT /* ${statement} */ 1`);
  await client.query('EXECUTE planted');
  await client.query(`
    CREATE SCHEMA planted;
    CREATE EXTENSION pg_stat_statements SCHEMA planted;
    CREATE TABLE planted.plant (bytes bytea, compressed text)`);
  for (const { bytes } of plants) await client.query('INSERT INTO planted.plant (bytes) VALUES ($1)', [bytes]);
  const repetitive = surrounded(Buffer.from(postgresValue)).toString();
  await client.query('INSERT INTO planted.plant (compressed) VALUES ($1)', [repetitive.repeat(10)]);
}

/** The planner's statistics quote frequent values. */
async function analyze(client: pg.Client, without: string): Promise<void> {
  if (without === '') return void (await client.query('ANALYZE'));
  const { rows } = await client.query<{ names: string }>(
    `SELECT string_agg(format('%I.%I', schemaname, tablename), ',') AS names FROM pg_tables
     WHERE schemaname NOT IN ($1, 'pg_catalog', 'information_schema')`,
    [without],
  );
  await client.query(`ANALYZE ${rows[0]!.names}`);
}

/**
 * COPY of every table and of every view about the server, as `pg_dump` and `pg_dumpall` write them and more: it is there on every
 * machine, which a `pg_dump` of this version is not.
 */
async function dumpAll(client: pg.Client, folder: string, { statement }: Controls, without: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', nspname, relname) AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname <> $1 AND (relkind = 'r' OR relkind = 'v' AND relname ~ '^pg_(stat_|prepared_|cursors|settings|locks)')`,
    [without],
  );
  for (const { name } of rows) {
    const file = path.join(folder, `${name.replaceAll('"', '')}.copy`);
    await client.query(`COPY (SELECT * FROM ${name} /* ${statement} */) TO ${pg.escapeLiteral(file)}`);
  }
}

async function archiveWal(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ segment: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS segment');
  await until(async () => {
    const archived = await client.query('SELECT FROM pg_stat_archiver WHERE last_archived_wal >= $1', [
      rows[0]!.segment,
    ]);
    return archived.rowCount === 1;
  });
}

/** Tables and indexes by their file below the cluster. */
async function readRelations(client: pg.Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ file: string; name: string }>(
    'SELECT pg_relation_filepath(oid) AS file, oid::regclass::text AS name FROM pg_class WHERE relfilenode <> 0',
  );
  return new Map(rows.map(({ file, name }) => [file, name]));
}

async function readCluster(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
  return rows[0]!.data_directory;
}

/** Beside its append-only file Redis writes its other one, whose own compression the scanner does not know. */
async function saveRedis(redisUrl: string): Promise<string> {
  const redis = new Redis(redisUrl);
  await redis.config('SET', 'rdbcompression', 'no');
  await redis.save();
  const [, folder] = (await redis.config('GET', 'dir')) as string[];
  redis.disconnect();
  return folder!;
}

export function logOf({ folders }: Hpms): Source {
  return { place: 'logs', name: 'logs/hpms.log', open: () => readInPieces(path.join(folders.logs, 'hpms.log')) };
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function walSource(place: PlaceName, file: string, open: Source['open']): Source {
  return { place, name: path.basename(file), open };
}

interface Surroundings {
  readonly hpms: Hpms;
  readonly cluster: string;
  readonly redisFolder: string | undefined;
  readonly backup: string | undefined;
  readonly relations: ReadonlyMap<string, string>;
}

/** None for what is read in another way. */
function sourceOf(file: string, { hpms, cluster, redisFolder, backup, relations }: Surroundings): Source[] {
  const isIn = (folder: string | undefined) => folder !== undefined && file.startsWith(folder + path.sep);
  const inCluster = path.relative(cluster, file);
  const relation = relations.get(inCluster.replace(/(?:_[a-z]+)?(?:\.\d+)?$/, ''));
  const name = path.relative(hpms.folder, file) + (relation === undefined ? '' : ` (${relation})`);
  const at = (place: PlaceName): Source[] => [{ place, name, open: () => readInPieces(file) }];
  if (isIn(path.join(cluster, 'pg_wal')) || isIn(hpms.folders.archive)) return [];
  if (isIn(redisFolder)) return at('queue');
  if (isIn(backup)) return [{ place: 'backup', name, open: () => unpacked(file) }];
  if (isIn(path.join(cluster, 'base')) || isIn(path.join(cluster, 'global'))) return at('data files');
  if (isIn(path.join(hpms.folders.data, 'objects'))) return at('object store');
  if (isIn(hpms.folders.logs) || path.basename(file) === 'postgres.log') return at('logs');
  if (isIn(hpms.folders.dump)) return at(path.basename(file).startsWith('jobs.') ? 'queue' : 'dump');
  return at('other files');
}

/** What is in a packed file is searched as it is inside. */
function unpacked(file: string): AsyncIterable<Buffer> | Iterable<Buffer> {
  return file.endsWith('.zst') ? createReadStream(file).pipe(createZstdDecompress()) : readInPieces(file);
}

/** As an operator runs it. */
async function backUp({ folder, environment }: Hpms): Promise<string> {
  const to = path.join(folder, 'backup');
  const command = path.join(import.meta.dirname, '..', '..', 'src', 'commands', 'backup.ts');
  await promisify(execFile)(process.execPath, [command, '--to', to], { env: environment });
  return to;
}

/** Beside its append-only file Redis writes its other one, and nothing else is looked at. */
export async function bringQueueToRest(redisUrl: string): Promise<Source[]> {
  const folder = await saveRedis(redisUrl);
  return filesOf(folder).map((file) => ({
    ...{ place: 'queue', name: path.relative(folder, file), open: () => readInPieces(file) },
  }));
}

/** Synchronous, which for a thousand small files takes half the time. */
function* readInPieces(file: string): Generator<Buffer> {
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const length = readSync(descriptor, piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

const pieceBytes = 262_144;
