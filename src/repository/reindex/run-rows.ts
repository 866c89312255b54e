// The row of a run: what it is for, whom it waits for, how far it is.

import type { TenantTransaction } from '../../database/tenant-transaction.ts';

export interface RunRow {
  readonly id: string;
  readonly types: readonly string[];
  readonly generation: number | null;
  readonly state: 'waiting' | 'running' | 'done';
  readonly waits_for: readonly string[] | null;
  /** The versions of keys that all rows are brought to: see rotate-keys.ts. */
  readonly index_key: number | null;
  readonly data_key: number | null;
  readonly begins_at: Date | null;
  /** Of one that is running or done. */
  readonly started_at: Date;
  readonly is_early: boolean;
  readonly at_type: string | null;
  readonly at_id: string | null;
}

/** Behind all that is done; types and ids are in their order. */
export interface Place {
  readonly type: string;
  readonly id: string;
}

export async function lockRun(trx: TenantTransaction, id: string): Promise<RunRow | undefined> {
  const [row] = await trx.query<RunRow>({
    name: 'lock-reindex',
    text: `SELECT id, types, generation, state, waits_for, at_type, at_id, index_key, data_key, begins_at, started_at,
             coalesce(begins_at > clock_timestamp(), false) AS is_early
           FROM reindex WHERE id = $1 FOR UPDATE`,
    values: [id],
  });
  return row;
}

/** How many resources there are of its types; those that come meanwhile are indexed when they are written. */
export function markRunning(trx: TenantTransaction, id: string): void {
  trx.execute({
    name: 'start-reindex',
    text: `UPDATE reindex SET state = 'running', started_at = clock_timestamp(), updated_at = clock_timestamp(),
             total = (SELECT coalesce(sum(amount), 0) FROM type_count WHERE type = ANY(reindex.types))
           WHERE id = $1`,
    values: [id],
  });
}

export function markProgress(trx: TenantTransaction, id: string, { type, id: atId }: Place, count: number): void {
  trx.execute({
    name: 'reindex-progress',
    text: `UPDATE reindex SET at_type = $2, at_id = $3, done = done + $4, total = greatest(total, done + $4),
             updated_at = clock_timestamp() WHERE id = $1`,
    values: [id, type, atId, count],
  });
}

export function markDone(trx: TenantTransaction, { id, generation }: RunRow): void {
  trx.execute({
    name: 'end-reindex',
    text: `UPDATE reindex SET state = 'done', finished_at = clock_timestamp(), updated_at = clock_timestamp() WHERE id = $1`,
    values: [id],
  });
  if (generation === null) return;
  trx.execute({
    name: 'index-generation',
    text: 'UPDATE search_index SET generation = greatest(generation, $1)',
    values: [generation],
  });
}
