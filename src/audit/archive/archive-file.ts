// The file of an archived month: a line of JSON that says what is in it, and behind it the rows in PostgreSQL's binary COPY
// format, as they are stored, compressed: https://www.postgresql.org/docs/current/sql-copy.html

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createZstdDecompress } from 'node:zlib';
import { ArchiveError } from './archive-error.ts';
import type { ArchivedTable } from './months.ts';
import { type StoredRow, StoredRows } from './stored-rows.ts';

export interface ArchiveHeader {
  readonly format: 'hpms-archive-1';
  readonly table: ArchivedTable;
  readonly month: string;
  readonly columns: readonly string[];
  readonly migrations: readonly string[];
  /** The database server by its own number: transactions of another one mean nothing here. */
  readonly server: string;
  readonly rows: number;
  /** Of the rows before they are compressed. */
  readonly sha256: string;
}

const rowDigits = 15;
const headerBytesMax = 65_536;

/** As long before its rows are counted as afterwards, so that it can be written over. */
export function headerLine({ rows, ...rest }: ArchiveHeader): Buffer {
  return Buffer.from(`${JSON.stringify({ ...rest, rows: String(rows).padStart(rowDigits, '0') })}\n`);
}

/** The hash alone; nothing of the file is looked into. */
export async function hashFile(file: string): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest();
}

export interface ReadRows {
  readonly header: ArchiveHeader;
  readonly rows: readonly StoredRow[];
}

/** All rows in their order, some at a time; throws where the file is not what its header says. */
export async function* readArchive(file: string): AsyncGenerator<ReadRows, void> {
  try {
    const { header, start } = await readHeader(file);
    const hash = createHash('sha256');
    const taken = new StoredRows();
    let count = 0;
    const packed = createReadStream(file, { start });
    const unpacked = createZstdDecompress();
    packed.on('error', (error) => unpacked.destroy(error));
    for await (const chunk of packed.pipe(unpacked)) {
      hash.update(chunk as Buffer);
      const rows = taken.push(chunk as Buffer);
      count += rows.length;
      if (rows.length > 0) yield { header, rows };
    }
    taken.end();
    if (header.sha256 !== hash.digest('hex') || header.rows !== count)
      throw new ArchiveError('it has other rows than it says');
  } catch (error) {
    throw isDamage(error) ? new ArchiveError(`${file} is damaged: ${(error as Error).message}.`) : error;
  }
}

/** Those of the decompression have a code. */
function isDamage(error: unknown): boolean {
  return error instanceof ArchiveError || /^(ZSTD_|Z_)/.test((error as NodeJS.ErrnoException).code ?? '');
}

async function readHeader(file: string): Promise<{ readonly header: ArchiveHeader; readonly start: number }> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerBytesMax), 0, headerBytesMax, 0);
    const end = buffer.subarray(0, bytesRead).indexOf('\n');
    return { header: parseHeader(buffer.subarray(0, Math.max(end, 0)).toString()), start: end + 1 };
  } finally {
    await handle.close();
  }
}

function parseHeader(text: string): ArchiveHeader {
  try {
    const { rows, ...header } = JSON.parse(text) as Omit<ArchiveHeader, 'rows'> & { rows: string };
    if (header.format === 'hpms-archive-1') return { ...header, rows: Number(rows) };
  } catch {
    // It is said below.
  }
  throw new ArchiveError('it is no archive of HPMS');
}
