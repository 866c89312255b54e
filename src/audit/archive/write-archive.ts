// Writes the rows of a month into a file: streamed, compressed, on the disk when this is done.

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import type pg from 'pg';
import { copyQuery, writingTo } from '../../database/copy-query.ts';
import { type ArchiveHeader, headerLine } from './archive-file.ts';
import { type ArchivedTable, partitionOf } from './months.ts';

/** So that rows of a tenant stand together, and those of AuditEvents as their leaves do. */
const orders = {
  audit_event: 'tenant_id, last_updated, id',
  history: 'tenant_id, type, id, version_id',
} as const;

export interface WriteArchiveOptions {
  /** Of a role that sees all rows, in a transaction whose statements see one moment. */
  readonly client: pg.Client;
  readonly table: ArchivedTable;
  readonly month: string;
  /** Must not be there. */
  readonly file: string;
}

export async function writeArchive({ client, table, month, file }: WriteArchiveOptions): Promise<void> {
  const columns = await columnsOf(client, table);
  const facts = await readFacts(client);
  const empty = { format: 'hpms-archive-1', table, month, columns, ...facts, rows: 0, sha256: '0'.repeat(64) } as const;
  const line = headerLine(empty);
  await writeFile(file, line, { flag: 'wx', mode: 0o600 });
  const text = `COPY (SELECT ${columns.join(', ')} FROM ${partitionOf(table, month)} ORDER BY ${orders[table]}) TO STDOUT (FORMAT binary)`;
  const copied = await copyInto(client, text, file);
  const handle = await open(file, 'r+');
  try {
    await handle.write(headerLine({ ...empty, ...copied }), 0, line.length, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(path.dirname(file));
}

async function copyInto(
  client: pg.Client,
  text: string,
  file: string,
): Promise<Pick<ArchiveHeader, 'rows' | 'sha256'>> {
  const hash = createHash('sha256');
  const packed = createZstdCompress();
  const written = pipeline(packed, createWriteStream(file, { flags: 'a' }));
  // Told by the await below, or by who writes to what was ended.
  written.catch(() => undefined);
  const write = writingTo(packed);
  try {
    const tag = await copyQuery(client, text, {
      onData(chunk) {
        hash.update(chunk);
        return write(chunk);
      },
    });
    packed.end();
    await written;
    return { rows: Number(tag.split(' ')[1]), sha256: hash.digest('hex') };
  } finally {
    packed.destroy();
  }
}

/** In the order of their names, which no migration changes. */
export async function columnsOf(client: pg.Client, table: ArchivedTable): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`,
    [`store.${table}`],
  );
  return rows.map(({ name }) => name);
}

async function readFacts(client: pg.Client): Promise<Pick<ArchiveHeader, 'migrations' | 'server'>> {
  const { rows } = await client.query<{ migrations: string[]; server: string }>(
    `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS server,
       (SELECT array_agg(name ORDER BY name) FROM public.migration) AS migrations`,
  );
  return rows[0] as (typeof rows)[number];
}

/** The name of a new file is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
