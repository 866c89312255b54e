// A run begins when every transaction has ended that may have read the definitions before they changed, as CREATE INDEX
// CONCURRENTLY does: https://www.postgresql.org/docs/current/view-pg-locks.html

import type { TenantTransaction } from '../../database/tenant-transaction.ts';
import type { RunRow } from './run-rows.ts';

/**
 * False while there are such transactions. Each holds the lock of its own virtual id from its begin to its end; the first
 * call notes those of all that run now, when what the run is for is committed. The row must be locked, `own` are the ids of
 * the job's own transactions.
 */
export async function haveEnded(trx: TenantTransaction, run: RunRow, own: readonly string[]): Promise<boolean> {
  if (run.waits_for === null) {
    trx.execute({
      name: 'reindex-waits-for',
      text: `UPDATE reindex SET updated_at = clock_timestamp(), waits_for = ARRAY(
               SELECT l.virtualxid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
               WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid() AND l.virtualxid <> ALL($2::text[])
                 AND a.datname = current_database() AND a.usename = current_user)
             WHERE id = $1`,
      values: [run.id, own],
    });
    return false;
  }
  const [row] = await trx.query<{ open: number }>({
    name: 'reindex-still-open',
    text: `SELECT count(*)::int AS open FROM pg_locks
           WHERE locktype = 'virtualxid' AND granted AND virtualxid = ANY($1::text[])`,
    values: [run.waits_for],
  });
  return row?.open === 0;
}
