// Brings a month back from its file into the database: all of its rows or none.

import path from 'node:path';
import type pg from 'pg';
import { copyQuery } from '../../database/copy-query.ts';
import { ArchiveError } from './archive-error.ts';
import { type ArchiveHeader, hashFile, readArchive } from './archive-file.ts';
import type { ArchivedFile } from './manifest.ts';
import { copyEnd, copyStart, rowBytes, type StoredRow } from './stored-rows.ts';
import { columnsOf } from './write-archive.ts';

export interface RestoreMonthOptions {
  /** From `withOperator`. */
  readonly client: pg.Client;
  readonly archived: ArchivedFile;
  readonly folder: string;
}

/** Nothing of a file is read into the database before its hash is the one that was kept when it was written. */
export async function restoreMonth({ client, archived, folder }: RestoreMonthOptions): Promise<void> {
  const { table, month, part, rows, sha256 } = archived;
  const file = path.join(folder, archived.file);
  await requireWhole(file, sha256);
  await client.query('BEGIN');
  try {
    const tag = await copyFrom(client, archived, file);
    if (tag !== `COPY ${rows}`)
      throw new ArchiveError(`${file} has ${tag.split(' ')[1]} rows, and ${rows} were archived.`);
    const values = [month, part];
    await client.query(
      `DELETE FROM store.archive WHERE table_name = $3 AND month = to_date($1, 'YYYY-MM') AND part = $2`,
      [...values, table],
    );
    if (table === 'history')
      await client.query(
        `DELETE FROM store.archived_object WHERE month = to_date($1, 'YYYY-MM') AND part = $2`,
        values,
      );
    await client.query("SELECT pg_notify('hpms_access', '')");
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Throws where it is not there, or not the one that was archived. */
export async function requireWhole(file: string, sha256: Buffer): Promise<void> {
  const found = await hashFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new ArchiveError(`${file} cannot be read: ${error.code ?? error.message}.`);
  });
  if (!found.equals(sha256)) throw new ArchiveError(`${file} is not as it was archived: its SHA-256 is another one.`);
}

async function copyFrom(client: pg.Client, { table }: ArchivedFile, file: string): Promise<string> {
  const columns = await columnsOf(client, table);
  const { rows } = await client.query<{ server: string; next: string }>(
    `SELECT system_identifier::text AS server, pg_snapshot_xmax(pg_current_snapshot())::text AS next FROM pg_control_system()`,
  );
  const here = rows[0] as (typeof rows)[number];
  const fixOf = (header: ArchiveHeader) =>
    header.server === here.server ? undefined : oldTransactions(header, BigInt(here.next));
  return await copyQuery(client, `COPY store.${table} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`, {
    input: copyInput(file, columns, fixOf),
  });
}

async function* copyInput(
  file: string,
  columns: readonly string[],
  fixOf: (header: ArchiveHeader) => ((row: StoredRow) => StoredRow) | undefined,
): AsyncGenerator<Buffer, void> {
  yield copyStart;
  for await (const { header, rows } of readArchive(file)) {
    requireColumns(header, columns, file);
    const fix = fixOf(header);
    yield Buffer.concat(rows.map((row) => rowBytes(fix ? fix(row) : row)));
  }
  yield copyEnd;
}

function requireColumns(header: ArchiveHeader, columns: readonly string[], file: string): void {
  if (header.columns.join() === columns.join()) return;
  throw new ArchiveError(
    `${file} has the columns ${header.columns.join(', ')}; restore it with the version that wrote it.`,
  );
}

/** A number that this server has not come to would hide the row from whoever reads up to the oldest transaction that runs. */
function oldTransactions({ columns }: ArchiveHeader, next: bigint): (row: StoredRow) => StoredRow {
  const at = columns.indexOf('tx');
  return ({ fields }) => {
    const tx = fields[at] as Buffer;
    return tx.readBigUInt64BE() < next ? { fields } : { fields: fields.with(at, frozen) };
  };
}

/** PostgreSQL's first number that is one of a transaction. */
const frozen = Buffer.from([0, 0, 0, 0, 0, 0, 0, 3]);
