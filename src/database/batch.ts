// Statements that travel in one message with one Sync at its end, and are answered in one:
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING

import type { Duplex } from 'node:stream';
import pg from 'pg';
import { byteaArray } from './bytea-array.ts';
import type { Statement } from './statement.ts';

/**
 * The plan of a search takes 100 to 350 KB of its connection's process, and there are as many searches as clients think of:
 * those not used for the longest time are closed. Statements of constant text are fewer than this.
 */
const preparedMax = 120;

/** A connection's statements that the server has parsed, with the columns of their answers, the last used last. */
export class PreparedStatements {
  readonly #columns = new Map<string, readonly Column[]>();

  columnsOf(name: string): readonly Column[] | undefined {
    const columns = this.#columns.get(name);
    if (columns) this.remember(name, columns);
    return columns;
  }

  remember(name: string, columns: readonly Column[]): void {
    this.#columns.delete(name);
    this.#columns.set(name, columns);
  }

  /** Forgets those beyond the bound and gives their names. */
  takeSurplus(): string[] {
    const surplus = [...this.#columns.keys()].slice(0, Math.max(this.#columns.size - preparedMax, 0));
    for (const name of surplus) this.#columns.delete(name);
    return surplus;
  }
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** One statement of a batch and whoever waits for it. */
export interface BatchEntry {
  readonly statement: Statement;
  readonly answered: (rows: unknown[], command: string) => void;
  readonly failed: (error: unknown) => void;
}

/** The part of pg's Connection that sends messages; its published types leave them out. */
interface Wire {
  readonly stream: Duplex;
  parse(statement: { name: string; text: string }): void;
  bind(portal: { statement: string; values: readonly unknown[]; valueMapper: (value: unknown) => unknown }): void;
  describe(portal: { type: 'P'; name: string }): void;
  execute(portal: object): void;
  close(statement: { type: 'S'; name: string }): void;
  sync(): void;
}

const { prepareValue } = (pg as unknown as { utils: { prepareValue: (value: unknown) => unknown } }).utils;

/** As pg does, but for lists of bytes. */
function wireValue(value: unknown): unknown {
  return isListOfBytes(value) ? byteaArray(value) : prepareValue(value);
}

function isListOfBytes(value: unknown): value is (Buffer | null)[] {
  return Array.isArray(value) && value.find((item) => item !== null) instanceof Buffer;
}

/**
 * What pg's Client is given as a query: it submits itself and takes the messages that answer it. The server runs nothing
 * after the statement that fails, so that one's error is the error of all behind it.
 */
export class Batch {
  /** pg puts its own time limit around this. */
  callback: (error?: unknown) => void = () => undefined;
  readonly #entries: readonly BatchEntry[];
  readonly #prepared: PreparedStatements;
  /** For each statement its columns; undefined where the server tells them. */
  readonly #known: (readonly Column[] | undefined)[] = [];
  #position = 0;
  #columns: readonly Column[] = [];
  #rows: Record<string, unknown>[] = [];

  constructor(entries: readonly BatchEntry[], prepared: PreparedStatements) {
    this.#entries = entries;
    this.#prepared = prepared;
  }

  submit(connection: unknown): null {
    const wire = connection as Wire;
    wire.stream.cork();
    try {
      // First, for behind a statement that fails the server would not come to it.
      for (const name of this.#prepared.takeSurplus()) wire.close({ type: 'S', name });
      for (const { statement } of this.#entries) this.#send(wire, statement);
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    this.#begin();
    return null;
  }

  #send(wire: Wire, { name = '', text, values = [] }: Statement): void {
    const known = name === '' ? undefined : this.#prepared.columnsOf(name);
    if (!known) {
      // It may be there all the same, when the batch that brought it failed.
      if (name !== '') wire.close({ type: 'S', name });
      wire.parse({ name, text });
    }
    wire.bind({ statement: name, values, valueMapper: wireValue });
    if (!known) wire.describe({ type: 'P', name: '' });
    this.#known.push(known);
    wire.execute({});
  }

  /** Makes ready for the answer of the next statement. */
  #begin(): void {
    this.#rows = [];
    this.#columns = this.#known[this.#position] ?? [];
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: pg.types.getTypeParser(dataTypeID, 'text') }));
    this.#remember();
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const row: Record<string, unknown> = {};
    for (let index = 0; index < fields.length; index++) {
      const column = this.#columns[index] as Column;
      const text = fields[index] as string | null;
      row[column.name] = text === null ? null : column.parse(text);
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: { text: string }): void {
    const entry = this.#entries[this.#position];
    // After its time limit nobody waits for the rest of an answer.
    if (!entry) return;
    const { answered } = entry;
    // One that gives no rows is told of here first.
    if (!this.#known[this.#position]) this.#remember();
    const rows = this.#rows;
    this.#position += 1;
    this.#begin();
    answered(rows, text);
  }

  handleEmptyQuery(): void {
    throw new Error('A statement has no text.');
  }

  handlePortalSuspended(): void {
    throw new Error('A statement was suspended.');
  }

  /** No statement of ours is a COPY; one that is fails instead of waiting for rows that never come. */
  handleCopyInResponse(connection: { sendCopyFail(reason: string): void }): void {
    connection.sendCopyFail('COPY is not possible here.');
  }

  handleCopyData(): void {}

  handleError(error: unknown): void {
    for (const { failed } of this.#entries.slice(this.#position)) failed(error);
    this.#position = this.#entries.length;
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  #remember(): void {
    const { name } = this.#entries[this.#position]?.statement ?? {};
    if (name !== undefined) this.#prepared.remember(name, this.#columns);
  }
}
