// A turn that one process of all has at a time, for as long as it likes: a lock of the session, and no transaction stays open behind it.
// https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS

import type { Pool, PooledConnection } from './pool.ts';
import { translateSqlError } from './sql-errors.ts';
import type { Statement } from './statement.ts';
import { BatchedTransaction, type Transaction } from './transaction.ts';

/**
 * Undefined where another process has the turn. What `work` sends together is one transaction, which ends with its answer,
 * so that it keeps nobody waiting, and no row from being vacuumed, while it thinks.
 */
export type SystemTurn = <T>(turn: Turn, work: (trx: Transaction) => Promise<T>) => Promise<T | undefined>;

export interface Turn {
  readonly lock: number;
  /** Who is silent for longer has lost the turn: its process or its network may hang, which the server would not notice for hours. */
  readonly silentMaxMs: number;
  /** Sent first with whatever is sent together. */
  readonly setUp: readonly Statement[];
}

export function createSystemTurn(pool: Pool): SystemTurn {
  return async (turn, work) => {
    const connection = await pool.acquire();
    let isHealthy = false;
    try {
      const result = await haveTurn(connection, turn, work);
      isHealthy = true;
      return result;
    } catch (error) {
      throw translateSqlError(error);
    } finally {
      // A connection that is closed gives its locks back, whatever it has gone through.
      connection.release(isHealthy);
    }
  };
}

async function haveTurn<T>(
  connection: PooledConnection,
  { lock, silentMaxMs, setUp }: Turn,
  work: (trx: Transaction) => Promise<T>,
): Promise<T | undefined> {
  const trx = new BatchedTransaction(connection, { setUp, isRead: true });
  const [taken] = await trx.query<{ isOurs: boolean }>({
    text: `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_lock($1) AS "isOurs")
           SELECT "isOurs", set_config('idle_session_timeout', CASE WHEN "isOurs" THEN $2 ELSE '0' END, false) FROM turn`,
    values: [lock, String(silentMaxMs)],
  });
  if (!taken?.isOurs) return undefined;
  const result = await work(trx);
  await trx.query({
    text: "SELECT pg_advisory_unlock($1), set_config('idle_session_timeout', '0', false)",
    values: [lock],
  });
  return result;
}
