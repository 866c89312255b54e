// Statements that travel in one message with one Sync at its end, and are answered in one:
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING

import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { Statement } from './statement.ts';

/** A connection's statements that the server has parsed, with the columns of their answers. */
export type PreparedStatements = Map<string, readonly Field[]>;

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
  readonly format: string;
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

interface ResultInProgress {
  readonly rows: unknown[];
  readonly command: string | null;
  addFields(fields: readonly Field[]): void;
  parseRow(fields: unknown[]): unknown;
  addRow(row: unknown): void;
  addCommandComplete(message: unknown): void;
}

const { Result, utils } = pg as unknown as {
  Result: new () => ResultInProgress;
  utils: { prepareValue: (value: unknown) => unknown };
};

/**
 * What pg's Client is given as a query: it submits itself and takes the messages that answer it. The server runs nothing
 * after the statement that fails, so that one's error is the error of all behind it.
 */
export class Batch {
  /** pg puts its own time limit around this. */
  callback: (error?: unknown) => void = () => undefined;
  readonly #entries: readonly BatchEntry[];
  readonly #prepared: PreparedStatements;
  #position = 0;
  #result = new Result();
  /** For each statement whether the server tells its columns. */
  readonly #described: boolean[] = [];

  constructor(entries: readonly BatchEntry[], prepared: PreparedStatements) {
    this.#entries = entries;
    this.#prepared = prepared;
  }

  submit(connection: unknown): null {
    const wire = connection as Wire;
    wire.stream.cork();
    try {
      for (const { statement } of this.#entries) this.#send(wire, statement);
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    this.#begin();
    return null;
  }

  #send(wire: Wire, { name = '', text, values = [] }: Statement): void {
    const known = name === '' ? undefined : this.#prepared.get(name);
    if (!known) {
      // It may be there all the same, when the batch that brought it failed.
      if (name !== '') wire.close({ type: 'S', name });
      wire.parse({ name, text });
    }
    wire.bind({ statement: name, values, valueMapper: utils.prepareValue });
    if (!known) wire.describe({ type: 'P', name: '' });
    this.#described.push(!known);
    wire.execute({});
  }

  /** Makes ready for the answer of the next statement. */
  #begin(): void {
    this.#result = new Result();
    const { name = '' } = this.#entries[this.#position]?.statement ?? {};
    const fields = this.#described[this.#position] ? undefined : this.#prepared.get(name);
    if (fields && fields.length > 0) this.#result.addFields(fields);
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#result.addFields(fields);
    this.#remember(fields);
  }

  handleDataRow({ fields }: { fields: unknown[] }): void {
    this.#result.addRow(this.#result.parseRow(fields));
  }

  handleCommandComplete(message: unknown): void {
    const entry = this.#entries[this.#position];
    // After its time limit nobody waits for the rest of an answer.
    if (!entry) return;
    const { answered, statement } = entry;
    if (statement.name !== undefined && !this.#prepared.has(statement.name)) this.#remember([]);
    this.#result.addCommandComplete(message);
    const { rows, command } = this.#result;
    this.#position += 1;
    this.#begin();
    answered(rows, command ?? '');
  }

  handleEmptyQuery(): void {
    throw new Error('A statement has no text.');
  }

  handlePortalSuspended(): void {
    throw new Error('A statement was suspended.');
  }

  handleError(error: unknown): void {
    for (const { failed } of this.#entries.slice(this.#position)) failed(error);
    this.#position = this.#entries.length;
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  #remember(fields: Field[]): void {
    const { name } = this.#entries[this.#position]?.statement ?? {};
    if (name !== undefined) this.#prepared.set(name, fields);
  }
}
