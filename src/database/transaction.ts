// One database transaction on one connection: statements wait for the end of the turn and leave together, with the COMMIT when
// nobody waits for an answer before. A plain write is one round trip so.

import type { BatchEntry } from './batch.ts';
import type { PooledConnection } from './pool.ts';
import { isRetryable, isUnavailable, sqlState, translateSqlError } from './sql-errors.ts';
import type { Statement } from './statement.ts';

export interface Transaction {
  /** Sends the statement with the next batch and gives its rows. */
  query<Row>(statement: Statement): Promise<Row[]>;
  /** Sends the statement and waits for nothing: a failure surfaces before the transaction is acknowledged. */
  execute(statement: Statement): void;
}

export interface TransactionOptions {
  /** Sent first in every transaction. */
  readonly setUp: readonly Statement[];
  /** Only reads: every batch is a transaction of its own, which at READ COMMITTED is no other view of the data. */
  readonly isRead: boolean;
}

const begin: Statement = { name: 'begin', text: 'BEGIN' };
const commit: Statement = { name: 'commit', text: 'COMMIT' };
const rollback: Statement = { name: 'rollback', text: 'ROLLBACK' };
const attemptsMax = 5;

export class BatchedTransaction implements Transaction {
  readonly #connection: PooledConnection;
  readonly #options: TransactionOptions;
  #waiting: BatchEntry[] = [];
  #underWay: Promise<void> | undefined;
  #isScheduled = false;
  #isOpen = false;
  #isOver = false;
  #failure: unknown;

  constructor(connection: PooledConnection, options: TransactionOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  query<Row>(statement: Statement): Promise<Row[]> {
    const rows = new Promise<Row[]>((resolve, reject) =>
      this.#add(statement, (found) => resolve(found as Row[]), reject),
    );
    // Whoever awaits it late may never come to it, because an earlier one has failed: that must not end the process.
    rows.catch(ignore);
    return rows;
  }

  execute(statement: Statement): void {
    this.#add(statement, ignore, ignore);
  }

  /** Resolves once every statement and the commit itself succeeded. */
  async commit(): Promise<void> {
    await this.#settled();
    if (this.#failure !== undefined) throw this.#failure;
    // One batch that was not begun is a transaction by itself: its Sync commits it.
    const closing = this.#isOpen ? [entryOf(commit, (_, command) => this.#requireCommitted(command))] : [];
    if (this.#waiting.length > 0 || closing.length > 0)
      await this.#send(this.#isOpen ? [] : this.#options.setUp, closing);
    if (this.#failure !== undefined) throw this.#failure;
    this.#isOpen = false;
    this.#isOver = true;
  }

  async rollback(): Promise<void> {
    this.#isOver = true;
    this.#waiting = [];
    await this.#settled();
    if (this.#isOpen) await this.#connection.send([entryOf(rollback, ignore)]);
  }

  /** The first failure behind an error that only says that an earlier statement failed. */
  reasonFor(error: unknown): unknown {
    return sqlState(error) === '25P02' ? (this.#failure ?? error) : error;
  }

  #add(statement: Statement, answered: BatchEntry['answered'], failed: BatchEntry['failed']): void {
    // Work that was not awaited goes on after another part of it failed: the connection is somebody else's by then.
    if (this.#isOver) {
      failed(new Error('A statement came after the end of its transaction.'));
      return;
    }
    this.#waiting.push({ statement, answered, failed });
    this.#schedule();
  }

  /** The turn's end comes after all promises that are settled now, so a commit that follows goes into the same batch. */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay !== undefined) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.#isScheduled = false;
      if (this.#underWay !== undefined || this.#waiting.length === 0) return;
      const opening = this.#isOpen ? [] : this.#options.setUp;
      const opens = !this.#isOpen && !this.#options.isRead;
      this.#isOpen ||= opens;
      void this.#send(opens ? [begin, ...opening] : opening, []);
    });
  }

  /** Never rejects: the failure is kept, and told to whoever waits for its statement. */
  #send(opening: readonly Statement[], closing: readonly BatchEntry[]): Promise<void> {
    const entries = [...opening.map((statement) => entryOf(statement, ignore)), ...this.#waiting, ...closing];
    this.#waiting = [];
    const sent = this.#connection
      .send(entries)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .then(() => {
        this.#underWay = undefined;
        if (this.#waiting.length > 0) this.#schedule();
      });
    this.#underWay = sent;
    return sent;
  }

  /** PostgreSQL answers COMMIT of a failed transaction with the tag ROLLBACK and no error. */
  #requireCommitted(command: string): void {
    if (command !== 'COMMIT') this.#failure ??= new Error('The transaction was rolled back at COMMIT.');
  }

  async #settled(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay;
  }
}

function ignore(): void {}

function entryOf(statement: Statement, answered: BatchEntry['answered']): BatchEntry {
  return { statement, answered, failed: ignore };
}

/**
 * Runs `work` in one transaction and commits it. Deadlocks and serialization failures run `work` again, so it must not
 * have effects outside the database. What it throws is thrown after a rollback.
 */
export async function runTransaction<Trx extends BatchedTransaction, T>(
  acquire: () => Promise<PooledConnection>,
  open: (connection: PooledConnection) => Trx,
  work: (trx: Trx) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(acquire, open, work);
    } catch (error) {
      if (!isRetryable(error) || attempt === attemptsMax) throw translateSqlError(error);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
    }
  }
}

async function runOnce<Trx extends BatchedTransaction, T>(
  acquire: () => Promise<PooledConnection>,
  open: (connection: PooledConnection) => Trx,
  work: (trx: Trx) => Promise<T>,
): Promise<T> {
  const connection = await acquire();
  const trx = open(connection);
  let isHealthy = false;
  try {
    const result = await work(trx);
    await trx.commit();
    isHealthy = true;
    return result;
  } catch (error) {
    isHealthy = !isUnavailable(error) && (await rolledBack(trx));
    throw trx.reasonFor(error);
  } finally {
    connection.release(isHealthy);
  }
}

/** A connection that cannot even roll back is thrown away. */
function rolledBack(trx: BatchedTransaction): Promise<boolean> {
  return trx.rollback().then(
    () => true,
    () => false,
  );
}
