// A logical backup: the rows of all tables as they were at one moment, which any PostgreSQL from 15 on can be given.

import path from 'node:path';
import { createZstdCompress } from 'node:zlib';
import type pg from 'pg';
import { ConfigError } from '../../config.ts';
import { copyQuery, writingTo } from '../../database/copy-query.ts';
import { readFacts, withClient } from './database-facts.ts';
import { FileList } from './file-list.ts';
import { readPartitions, readTables, type TableColumns } from './logical-tables.ts';
import { leftOut, lists, type Manifest, rootKeyId, type TableFacts, writeManifest } from './manifest.ts';
import { copyObjects } from './objects.ts';
import type { WriteBackupOptions } from './write-physical.ts';

/** Of so many last transactions the order is kept; all before them count as the first. */
const transactionsKept = 1_000_000n;

/** `folder` is empty. */
export async function writeLogical(options: WriteBackupOptions): Promise<Manifest> {
  const startedAt = new Date().toISOString();
  const { databaseUrl, folder, dataDir, rootKey, progress } = options;
  const list = new FileList(folder, lists.whole);
  const rows = await withClient(databaseUrl, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await requireAllRows(client);
    const { version, major, database, migrations } = await readFacts(client);
    const transactions = await chooseTransactions(client);
    const tables: TableFacts[] = [];
    for (const table of await readTables(client)) {
      progress(table.name);
      tables.push(await copyTable(client, table, transactions, list));
    }
    const partitions = await readPartitions(client);
    await client.query('COMMIT');
    const facts = { database, migrations, tables, partitions, transactions: `${transactions.kept}` };
    return { postgresql: { version, major }, ...facts };
  });
  const objects = await copyObjects(dataDir, list, (done) => progress(`${done} objects`));
  const manifest: Manifest = {
    format: 1,
    kind: 'logical',
    startedAt,
    finishedAt: new Date().toISOString(),
    rootKeyId: rootKeyId(rootKey),
    leftOut,
    list: { sha256: await list.close(), files: list.files, bytes: list.bytes },
    objects,
    ...rows,
  };
  await writeManifest(folder, manifest, options.rootKey);
  return manifest;
}

/** As a role that row-level security holds back, it would copy nothing and not notice. */
async function requireAllRows(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    'SELECT rolsuper OR rolbypassrls AS may FROM pg_roles WHERE rolname = current_user',
  );
  if (rows[0]?.may !== true) {
    throw new ConfigError('The role of DATABASE_URL does not see all rows: it must be a superuser or have BYPASSRLS.');
  }
}

interface Transactions {
  /** None in the backup has a higher number, and this one is not in it. */
  readonly next: bigint;
  readonly kept: bigint;
}

async function chooseTransactions(client: pg.Client): Promise<Transactions> {
  const { rows } = await client.query('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next');
  const next = BigInt(rows[0].next);
  return { next, kept: next < transactionsKept ? next : transactionsKept };
}

async function copyTable(
  client: pg.Client,
  { name, columns, transactions, counted }: TableColumns,
  numbers: Transactions,
  list: FileList,
): Promise<TableFacts> {
  const values = columns.map((column) => (transactions.includes(column) ? renumbered(column, numbers) : column));
  const text = `COPY (SELECT ${values.join(', ')} FROM ${name}) TO STDOUT`;
  const tag = await list.fill(fileOf(name), createZstdCompress(), (target) =>
    copyQuery(client, text, { onData: writingTo(target) }),
  );
  const facts = { name, columns, rows: Number(tag.split(' ')[1]) };
  if (counted === null) return facts;
  const { rows } = await client.query<{ last: string | null }>(
    'SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass)::text AS last',
    [name, counted],
  );
  return { ...facts, sequence: { column: counted, last: rows[0]?.last ?? null } };
}

/**
 * Another server counts its transactions from its own beginning, and a number it has not come to would hide the row from
 * whoever reads up to the oldest transaction that runs. So they are moved down; load-logical.ts lets the new server pass them.
 */
function renumbered(column: string, { next, kept }: Transactions): string {
  const moved = `greatest(3, ${column}::text::bigint - ${next - kept})`;
  return `CASE WHEN ${column} IS NOT NULL THEN ${moved} END::text::xid8`;
}

export function fileOf(table: string): string {
  return path.posix.join('tables', `${table}.copy.zst`);
}
