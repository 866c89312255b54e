// Asks for what no write asks for: runs that stand still go on, and tenants that an older version of the code has indexed, or still
// writes to, are indexed again.

import { v7 as uuidv7 } from 'uuid';
import { earlierProcesses, indexGeneration } from '../../database/index-generation.ts';
import type { SystemDoor } from '../../database/system-transaction.ts';
import type { TenantDoor } from '../../database/tenant-transaction.ts';
import { addToOutbox } from '../../jobs/outbox.ts';
import { lockIndex } from '../own-parameters/lock-index.ts';
import { eventOf, requestRun } from './request-run.ts';

export interface ReindexSweepOptions {
  readonly systemDoor: SystemDoor;
  readonly tenantDoor: TenantDoor;
  /** Types that a run of everything goes through. */
  readonly types: readonly string[];
  /** Called by each sweep while processes of an earlier version are connected. */
  readonly onEarlier?: () => void;
}

/** All others wait for their turn, so that the workers have time for other jobs. */
const tenantsAtOnceMax = 2;

export function createReindexSweep(options: ReindexSweepOptions): () => Promise<void> {
  return async () => {
    await ringForStalled(options);
    const [earlier] = await options.systemDoor((trx) => trx.query<{ generation: number | null }>(earlierProcesses));
    if (earlier?.generation == null) return await requestOutdated(options);
    options.onEarlier?.();
    await outdate(options, earlier.generation);
  };
}

interface TenantRow {
  readonly tenant_id: number;
}

/** Their last event may be dead; one that has merely to wait is rung for in vain. */
async function ringForStalled({ systemDoor, tenantDoor }: ReindexSweepOptions): Promise<void> {
  const stalled = await systemDoor((trx) =>
    trx.query<TenantRow & { id: string }>({
      text: "SELECT tenant_id, id FROM reindex WHERE state <> 'done' AND updated_at < now() - interval '1 minute'",
    }),
  );
  for (const { tenant_id: tenantId, id } of stalled) {
    await tenantDoor(tenantId, async (trx) => addToOutbox(trx, [eventOf(id, `again-${uuidv7()}`)]));
  }
}

/** What they write a run may have passed already: nothing is indexed for good before they are gone. */
async function outdate({ systemDoor, tenantDoor }: ReindexSweepOptions, generation: number): Promise<void> {
  const tenants = await systemDoor((trx) =>
    trx.query<TenantRow>({ text: 'SELECT tenant_id FROM search_index WHERE generation > $1', values: [generation] }),
  );
  for (const { tenant_id: tenantId } of tenants) {
    await tenantDoor(tenantId, async (trx) =>
      trx.execute({ text: 'UPDATE search_index SET generation = least(generation, $1)', values: [generation] }),
    );
  }
}

async function requestOutdated({ systemDoor, tenantDoor, types }: ReindexSweepOptions): Promise<void> {
  const outdated = await systemDoor((trx) =>
    trx.query<TenantRow>({
      text: `SELECT i.tenant_id FROM search_index i
             WHERE i.generation < $1
               AND EXISTS (SELECT FROM tenant t WHERE t.id = i.tenant_id AND t.status NOT IN ('suspended', 'shredded'))
               AND NOT EXISTS (SELECT FROM reindex r WHERE r.tenant_id = i.tenant_id AND r.reason = 'generation' AND r.state <> 'done')
             ORDER BY i.tenant_id
             LIMIT greatest(0, $2 - (SELECT count(*) FROM reindex r JOIN tenant t ON t.id = r.tenant_id
               WHERE r.reason = 'generation' AND r.state <> 'done' AND t.status NOT IN ('suspended', 'shredded')))`,
      values: [indexGeneration, tenantsAtOnceMax],
    }),
  );
  for (const { tenant_id: tenantId } of outdated) {
    await tenantDoor(tenantId, async (trx) => {
      await lockIndex(trx);
      if (await isOutdated(trx))
        await requestRun({ trx }, { reason: 'generation', types, generation: indexGeneration });
    });
  }
}

/** Another worker may have asked meanwhile. */
async function isOutdated(trx: Parameters<typeof lockIndex>[0]): Promise<boolean> {
  const rows = await trx.query({
    text: `SELECT 1 FROM search_index WHERE generation < $1
             AND NOT EXISTS (SELECT FROM reindex WHERE generation >= $1 AND state <> 'done')`,
    values: [indexGeneration],
  });
  return rows.length > 0;
}
