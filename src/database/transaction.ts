// One database transaction on one pipelined connection: statements leave at once, answers are awaited at the latest before COMMIT counts.

import type pg from 'pg';
import type { Pool } from './pool.ts';
import { isRetryable, sqlState, translateSqlError } from './sql-errors.ts';

/** A statement; with a name it is prepared once per connection, and the text must then never vary. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

export interface Transaction {
  /** Sends the statement and gives its rows when they arrive. */
  query<Row>(statement: Statement): Promise<Row[]>;
  /** Sends the statement and waits for nothing: a failure surfaces before the transaction is acknowledged. */
  execute(statement: Statement): void;
}

// Without name and values these go as simple queries, which cost both sides less than a prepared statement.
const begin: Statement = { text: 'BEGIN' };
const commit: Statement = { text: 'COMMIT' };
const attemptsMax = 5;

export class PipelinedTransaction implements Transaction {
  readonly #client: pg.PoolClient;
  readonly #answers: Promise<unknown>[] = [];
  #failure: unknown;
  #corked = false;

  /** `opening` begins the transaction, and may set up what holds in it. */
  constructor(client: pg.PoolClient, opening: Statement = begin) {
    this.#client = client;
    this.execute(opening);
  }

  query<Row>(statement: Statement): Promise<Row[]> {
    const rows = this.#send(statement).then((result) => result.rows as Row[]);
    // Whoever awaits it late may never come to it, because an earlier one has failed: that must not end the process.
    rows.catch(() => undefined);
    return rows;
  }

  execute(statement: Statement): void {
    void this.#send(statement);
  }

  /** Sends COMMIT behind all earlier statements and resolves once every one of them and the commit itself succeeded. */
  async commit(): Promise<void> {
    const result = this.#send(commit).catch(() => undefined);
    await Promise.allSettled(this.#answers);
    if (this.#failure !== undefined) throw this.#failure;
    // PostgreSQL answers COMMIT of a failed transaction with the tag ROLLBACK and no error.
    if ((await result)?.command !== 'COMMIT') throw new Error('The transaction was rolled back at COMMIT.');
  }

  /** The first failure behind an error that only says that an earlier statement failed. */
  reasonFor(error: unknown): unknown {
    return sqlState(error) === '25P02' ? (this.#failure ?? error) : error;
  }

  /** Waits for every answer still under way, then rolls back. */
  async rollback(): Promise<void> {
    await Promise.allSettled(this.#answers);
    await this.#client.query('ROLLBACK');
  }

  #send(statement: Statement): Promise<pg.QueryResult> {
    this.#cork();
    // A plain text is taken as it is, a configuration is copied member by member.
    const answer = this.#client.query(statement.values ? (statement as pg.QueryConfig) : statement.text);
    this.#answers.push(answer);
    answer.catch((error: unknown) => {
      // Later statements of a failed transaction only say that it failed: the first error is the reason.
      this.#failure ??= error;
    });
    return answer;
  }

  /** Statements of one turn of the event loop leave in one write. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    const { stream } = (
      this.#client as unknown as { connection: { stream: NodeJS.WritableStream & { cork(): void; uncork(): void } } }
    ).connection;
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }
}

/**
 * Runs `work` in one transaction and commits it. Deadlocks and serialization failures run `work` again, so it must not
 * have effects outside the database. What it throws is thrown after a rollback.
 */
export async function runTransaction<Trx extends PipelinedTransaction, T>(
  pool: Pool,
  open: (client: pg.PoolClient) => Trx,
  work: (trx: Trx) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, open, work);
    } catch (error) {
      if (!isRetryable(error) || attempt === attemptsMax) throw translateSqlError(error);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
    }
  }
}

async function runOnce<Trx extends PipelinedTransaction, T>(
  pool: Pool,
  open: (client: pg.PoolClient) => Trx,
  work: (trx: Trx) => Promise<T>,
): Promise<T> {
  const client = await pool.acquire();
  let healthy = false;
  try {
    const trx = open(client);
    try {
      const result = await work(trx);
      await trx.commit();
      healthy = true;
      return result;
    } catch (error) {
      // A connection that cannot even roll back is thrown away below.
      healthy = await trx.rollback().then(
        () => true,
        () => false,
      );
      throw trx.reasonFor(error);
    }
  } finally {
    client.release(!healthy);
  }
}
