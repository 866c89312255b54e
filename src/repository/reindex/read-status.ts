// How far the runs of a tenant are, and which of its own search parameters can be searched by.

import type { SearchParameter } from '../../fhir/definitions/snapshot.ts';
import { openDefinition } from '../own-parameters/parameter-rows.ts';
import type { Session } from '../session.ts';

export interface RunStatus {
  readonly id: string;
  readonly reason: string;
  readonly types: readonly string[];
  readonly state: 'waiting' | 'running' | 'done';
  readonly done: number;
  readonly total: number;
  readonly requested_at: Date;
  readonly started_at: Date | null;
  readonly updated_at: Date;
  readonly finished_at: Date | null;
}

export interface ParameterStatus {
  readonly id: string;
  readonly state: 'pending' | 'indexing' | 'ready';
  readonly parameter: SearchParameter;
}

const runsMax = 20;

/** The newest runs, and all of the parameters. */
export async function readStatus({ trx, cipher }: Session): Promise<{
  readonly runs: readonly RunStatus[];
  readonly parameters: readonly ParameterStatus[];
}> {
  const runs = trx.query<RunStatus & { readonly done: string; readonly total: string }>({
    name: 'reindex-status',
    text: `SELECT id, reason, types, state, done, total, requested_at, started_at, updated_at, finished_at
           FROM reindex ORDER BY requested_at DESC, id DESC LIMIT $1`,
    values: [runsMax],
  });
  const rows = await trx.query<Omit<ParameterStatus, 'parameter'> & { readonly definition: Buffer }>({
    name: 'own-parameter-states',
    text: 'SELECT id, definition, state FROM search_parameter ORDER BY id',
  });
  return {
    runs: (await runs).map((run) => ({ ...run, done: Number(run.done), total: Number(run.total) })),
    parameters: rows.map(({ definition, ...row }) => ({
      ...row,
      parameter: openDefinition(cipher, { ...row, definition }),
    })),
  };
}
