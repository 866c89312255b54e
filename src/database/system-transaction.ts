// The system door: the tenant registry, outbox keys and states, job schedules; never content or search tokens.

import type { Pool } from './pool.ts';
import { BatchedTransaction, runTransaction, type Transaction } from './transaction.ts';

export type SystemDoor = <T>(work: (trx: Transaction) => Promise<T>) => Promise<T>;

export function createSystemDoor(pool: Pool): SystemDoor {
  return (work) =>
    runTransaction(
      pool.acquire,
      (connection) => new BatchedTransaction(connection, { setUp: [], isRead: false }),
      work,
    );
}
