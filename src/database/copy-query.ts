// A statement whose answer, or whose input, is COPY data, on a client of pg: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY

import { once } from 'node:events';
import type { Duplex, Writable } from 'node:stream';
import type pg from 'pg';

/** The part of pg's Connection that COPY needs; its published types leave it out. */
interface Wire {
  readonly stream: Duplex;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** A row of a result beside the COPY data, as text by column. */
export type TextRow = Readonly<Record<string, string | null>>;

export interface CopyHandlers {
  readonly onRow?: (row: TextRow) => void;
  /** The chunk is its receiver's to keep. What it throws ends the statement; reading waits for a promise that it gives. */
  readonly onData?: (chunk: Buffer) => Promise<void> | undefined;
  /** What a COPY FROM STDIN is given. */
  readonly input?: AsyncIterable<Buffer>;
}

/** Resolves with the tag of the last command, such as `COPY 5`. */
export function copyQuery(client: pg.Client, text: string, handlers: CopyHandlers): Promise<string> {
  return new Promise((resolve, reject) => {
    const query = new CopyQuery(text, handlers, (error, tag) => (error === undefined ? resolve(tag) : reject(error)));
    client.query(query as unknown as pg.Submittable);
  });
}

/** The answers of the server to what streams, for a client whose statement is a CopyBoth (replication). */
export function sendCopyData(client: pg.Client, chunk: Buffer): void {
  wireOf(client).sendCopyFromChunk(chunk);
}

/** An `onData` that waits for a stream that is full. */
export function writingTo(target: Writable): (chunk: Buffer) => Promise<void> | undefined {
  let draining: Promise<void> | undefined;
  return (chunk) => {
    if (target.write(chunk)) return undefined;
    // What has been read already still comes, while the rest waits.
    draining ??= once(target, 'drain').then(() => {
      draining = undefined;
    });
    return draining;
  };
}

function wireOf(client: pg.Client): Wire {
  return (client as unknown as { connection: Wire }).connection;
}

class CopyQuery {
  readonly #text: string;
  readonly #handlers: CopyHandlers;
  readonly #done: (error: unknown, tag: string) => void;
  #wire: Wire | undefined;
  #columns: readonly string[] = [];
  #tag = '';
  #taken: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(text: string, handlers: CopyHandlers, done: (error: unknown, tag: string) => void) {
    this.#text = text;
    this.#handlers = handlers;
    this.#done = done;
  }

  submit(connection: unknown): null {
    this.#wire = connection as Wire;
    this.#wire.query(this.#text);
    return null;
  }

  handleRowDescription({ fields }: { fields: readonly { name: string }[] }): void {
    this.#columns = fields.map(({ name }) => name);
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.#handlers.onRow?.(Object.fromEntries(this.#columns.map((name, at) => [name, fields[at] ?? null])));
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    if (this.#failure !== undefined) return;
    try {
      // pg's parser reads the next message into the same memory.
      const taken = this.#handlers.onData?.(Buffer.from(chunk));
      if (taken !== undefined) this.#pauseFor(taken);
    } catch (error) {
      this.#fail(error);
    }
  }

  #pauseFor(taken: Promise<void>): void {
    const stream = this.#wire?.stream;
    stream?.pause();
    this.#taken = taken.then(
      () => void stream?.resume(),
      (error: unknown) => this.#fail(error),
    );
  }

  /** The rest of the answer would be thrown away; there may be gigabytes of it. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wire?.stream.destroy();
  }

  handleCopyInResponse(wire: Wire): void {
    void this.#sendInput(wire);
  }

  async #sendInput(wire: Wire): Promise<void> {
    try {
      for await (const chunk of this.#handlers.input ?? []) {
        wire.sendCopyFromChunk(chunk);
        if (wire.stream.writableNeedDrain) await once(wire.stream, 'drain');
      }
      wire.endCopyFrom();
    } catch (error) {
      this.#failure ??= error;
      wire.sendCopyFail('The rows could not be read.');
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#tag = text;
  }

  handlePortalSuspended(): void {}

  handleEmptyQuery(): void {}

  handleError(error: unknown): void {
    this.#done(this.#failure ?? error, '');
  }

  /** A receiver that is ended while it is full would never say that it is empty again. */
  handleReadyForQuery(): void {
    void this.#taken.then(() => this.#done(this.#failure, this.#tag));
  }
}
