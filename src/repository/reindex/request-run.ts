// Asks for resources of these types to be indexed again; what is asked for while a run waits becomes one with it.

import { v7 as uuidv7 } from 'uuid';
import { addToOutbox, type NewOutboxEvent } from '../../jobs/outbox.ts';
import type { Session } from '../session.ts';

/** The event of a run that has work to do, and its job. */
export const reindexTopic = 'reindex';

export interface RunRequest {
  /** `generation`: the code makes another index than before. */
  readonly reason: 'parameters' | 'request' | 'generation' | 'index-key' | 'data-key';
  readonly types: readonly string[];
  /** What the tenant is brought to by a run of all its types. */
  readonly generation?: number;
  /** The version of the key, in runs of all types: see rotate-keys.ts. */
  readonly indexKey?: number;
  readonly dataKey?: number;
  /** Not before. */
  readonly beginsAt?: Date;
}

/** Gives the id of the run. The index must be locked, see lock-index.ts. */
export async function requestRun(
  { trx }: Pick<Session, 'trx'>,
  { reason, types, generation, indexKey, dataKey, beginsAt }: RunRequest,
): Promise<string> {
  const keys = [indexKey ?? null, dataKey ?? null, beginsAt ?? null];
  // Whoever waits for older transactions begins again, for now there are others.
  const [waiting] = await trx.query<{ id: string }>({
    name: 'join-reindex',
    text: `UPDATE reindex SET types = ARRAY(SELECT DISTINCT unnest(types || $1::text[]) ORDER BY 1), waits_for = NULL,
             generation = coalesce($2, generation), index_key = coalesce($3, index_key), data_key = coalesce($4, data_key),
             begins_at = coalesce($5, begins_at), updated_at = now()
           WHERE state = 'waiting' RETURNING id`,
    values: [types, generation ?? null, ...keys],
  });
  const id = waiting?.id ?? uuidv7();
  if (!waiting) {
    trx.execute({
      name: 'add-reindex',
      text: `INSERT INTO reindex (id, reason, types, generation, index_key, data_key, begins_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      values: [id, reason, [...new Set(types)].sort(), generation ?? null, ...keys],
    });
  }
  addToOutbox(trx, [eventOf(id, `asked-${uuidv7()}`)]);
  return id;
}

/** `cause` is what the event is for, each once. */
export function eventOf(runId: string, cause: string): NewOutboxEvent {
  const eventKey = `${reindexTopic}-${runId}-${cause}`;
  return { eventKey, topic: reindexTopic, resourceType: reindexTopic, resourceId: runId, newVersionId: 1 };
}
