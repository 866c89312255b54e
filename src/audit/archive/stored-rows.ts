// Takes rows out of the binary COPY format as its pieces come: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT

import { ArchiveError } from './archive-error.ts';

export interface StoredRow {
  /** In the order of the columns, as PostgreSQL sends them. */
  readonly fields: readonly (Buffer | null)[];
}

const signature = Buffer.from('PGCOPY\n\u00ff\r\n\0', 'latin1');
/** Behind the signature: flags, and the length of an extension that there is none of. */
const startBytes = signature.length + 8;
const noField = -1;
const noMoreRows = -1;
/** 1970 to 2000, where PostgreSQL's times begin. */
const epochMs = 946_684_800_000;

export class StoredRows {
  #rest: Buffer = Buffer.alloc(0);
  #isBegun = false;
  #isOver = false;

  /** Gives the rows that are whole now. */
  push(chunk: Buffer): StoredRow[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isBegun && !this.#begin()) return [];
    const rows: StoredRow[] = [];
    let at = 0;
    for (;;) {
      const read = this.#readRow(at);
      if (!read) break;
      rows.push(read.row);
      at = read.end;
    }
    this.#rest = this.#rest.subarray(at);
    return rows;
  }

  /** Throws unless the last row was followed by the end. */
  end(): void {
    if (!this.#isOver) throw new ArchiveError('the rows end in the middle');
  }

  #begin(): boolean {
    if (this.#rest.length < startBytes) return false;
    if (!this.#rest.subarray(0, signature.length).equals(signature)) throw new ArchiveError('these are no rows');
    this.#rest = this.#rest.subarray(startBytes);
    this.#isBegun = true;
    return true;
  }

  #readRow(start: number): { row: StoredRow; end: number } | undefined {
    const bytes = this.#rest;
    if (this.#isOver || bytes.length < start + 2) return undefined;
    const count = bytes.readInt16BE(start);
    if (count === noMoreRows) {
      this.#isOver = true;
      return undefined;
    }
    let at = start + 2;
    const fields: (Buffer | null)[] = [];
    while (fields.length < count) {
      if (bytes.length < at + 4) return undefined;
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length === noField) {
        fields.push(null);
        continue;
      }
      if (bytes.length < at + length) return undefined;
      fields.push(bytes.subarray(at, at + length));
      at += length;
    }
    return { row: { fields }, end: at };
  }
}

/** What comes before the first row, and what after the last. */
export const copyStart: Buffer = Buffer.concat([signature, Buffer.alloc(8)]);
export const copyEnd: Buffer = Buffer.from([0xff, 0xff]);

export function rowBytes({ fields }: StoredRow): Buffer {
  const parts: Buffer[] = [int16(fields.length)];
  for (const field of fields) parts.push(int32(field === null ? noField : field.length), field ?? Buffer.alloc(0));
  return Buffer.concat(parts);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The value of a field of type timestamptz. */
export function timeOf(field: Buffer): Date {
  return new Date(Number(field.readBigInt64BE() / 1_000n) + epochMs);
}
