// COPY FROM STDIN on a pg connection: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2

import type pg from 'pg';
import type { TableRows } from './rows.ts';

/** Into the table itself: a view takes no COPY, so this needs a role that owns it, or a superuser. */
export async function copyRows(
  client: pg.Client,
  tenantId: number,
  { table, columns, rows }: TableRows,
): Promise<void> {
  const lines = rows.map((row) => [String(tenantId), ...row.map(textOf)].join('\t'));
  const text = `COPY store.${table} (tenant_id, ${columns.join(', ')}) FROM STDIN`;
  await new Promise<void>((resolve, reject) => {
    const copy = new Copy(text, Buffer.from(`${lines.join('\n')}\n`), (error) => (error ? reject(error) : resolve()));
    client.query(copy as unknown as pg.Submittable);
  });
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  if (Buffer.isBuffer(value)) return `\\\\x${value.toString('hex')}`;
  if (value instanceof Date) return value.toISOString();
  return String(value).replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? '');
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** The part of pg's Connection that copies; its published types leave it out. */
interface Wire {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** What pg's Client calls to send a query and while its answers arrive. */
class Copy {
  readonly #text: string;
  readonly #data: Buffer;
  readonly #done: (error?: Error) => void;

  constructor(text: string, data: Buffer, done: (error?: Error) => void) {
    this.#text = text;
    this.#data = data;
    this.#done = done;
  }

  submit(connection: unknown): null {
    (connection as Wire).query(this.#text);
    return null;
  }

  handleCopyInResponse(connection: Wire): void {
    connection.sendCopyFromChunk(this.#data);
    connection.endCopyFrom();
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#done(error);
  }

  handleReadyForQuery(): void {
    this.#done();
  }
}
