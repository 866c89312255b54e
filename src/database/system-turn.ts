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
  { lock, setUp }: Turn,
  work: (trx: Transaction) => Promise<T>,
): Promise<T | undefined> {
  const trx = new BatchedTransaction(connection, { setUp, isRead: true });
  const [taken] = await trx.query<{ isOurs: boolean }>({
    text: 'SELECT pg_try_advisory_lock($1) AS "isOurs"',
    values: [lock],
  });
  if (!taken?.isOurs) return undefined;
  const result = await work(trx);
  const [given] = await trx.query<{ wasOurs: boolean }>({
    text: 'SELECT pg_advisory_unlock($1) AS "wasOurs"',
    values: [lock],
  });
  if (!given?.wasOurs) throw new Error('The turn was lost while it was had.');
  return result;
}
