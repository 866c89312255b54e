// Makes AuditEvents of blocks that processes leave to the workers, because they only answer, or have left behind, because they died
// or had too many.

import { serverCaller } from '../../access/caller.ts';
import type { SystemDoor } from '../../database/system-transaction.ts';
import { newId } from '../../fhir/ids.ts';
import { inSession, type Repository, type Session } from '../../repository/session.ts';
import { openBlock } from './access-block.ts';
import { expandBlocks, expanderName } from './expand-blocks.ts';

export interface AccessSweep {
  close(): Promise<void>;
}

export interface AccessSweepOptions {
  readonly systemDoor: SystemDoor;
  readonly repository: Repository;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
  /** Younger ones that are not for workers are their own process's. */
  readonly ageMs?: number;
}

interface Leftover {
  readonly tenant_id: number;
  readonly id: string;
}

const [everyMsUsual, ageMsUsual] = [200, 5_000];
const blocksAtOnceMax = 500;
const blocksPerTransactionMax = 20;
/** A tenant whose blocks cannot be opened keeps no other's waiting, and one that PostgreSQL's end has hit is soon tried again: pauses double. */
const [pauseLeastMs, pauseMostMs] = [1_000, 60_000];

interface Pause {
  readonly untilMs: number;
  readonly lastsMs: number;
}

export function startAccessSweep(options: AccessSweepOptions): AccessSweep {
  const { everyMs = everyMsUsual, onError } = options;
  const pauses = new Map<number, Pause>();
  let sweeping: Promise<void> | undefined;
  const sweep = () => {
    sweeping ??= sweepOnce(options, pauses)
      .catch(onError)
      .finally(() => {
        sweeping = undefined;
      });
  };
  sweep();
  const timer = setInterval(sweep, everyMs);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      await sweeping;
    },
  };
}

async function sweepOnce(options: AccessSweepOptions, pauses: Map<number, Pause>): Promise<void> {
  const { systemDoor, repository, onError, ageMs = ageMsUsual } = options;
  const paused = [...pauses].filter(([, { untilMs }]) => performance.now() < untilMs).map(([tenantId]) => tenantId);
  const before = newId(Date.now() - ageMs);
  const left = await systemDoor((trx) => trx.query<Leftover>(leftovers(before, paused)));
  for (const [tenantId, blocks] of Map.groupBy(left, ({ tenant_id }) => tenant_id)) {
    try {
      for (let start = 0; start < blocks.length; start += blocksPerTransactionMax) {
        const ids = blocks.slice(start, start + blocksPerTransactionMax).map(({ id }) => id);
        await inSession(repository, serverCaller(tenantId, expanderName), (session) => expandStored(session, ids));
      }
      pauses.delete(tenantId);
    } catch (error) {
      const lastsMs = Math.min((pauses.get(tenantId)?.lastsMs ?? pauseLeastMs / 2) * 2, pauseMostMs);
      pauses.set(tenantId, { untilMs: performance.now() + lastsMs, lastsMs });
      onError(error);
    }
  }
}

/** What a shredded tenant has left nobody can read any more. */
function leftovers(before: string, pausedTenants: readonly number[]) {
  return {
    name: 'access-leftovers',
    text: `SELECT tenant_id, access_block.id FROM access_block JOIN tenant ON tenant.id = tenant_id
           WHERE (for_workers OR access_block.id < $1) AND NOT tenant_id = ANY ($2::int[]) AND status <> 'shredded'
           ORDER BY access_block.id LIMIT ${blocksAtOnceMax}`,
    values: [before, pausedTenants],
  };
}

/** Nothing where another worker is at the tenant's. */
async function expandStored(session: Session, ids: readonly string[]): Promise<void> {
  const rows = await session.trx.query<{ id: string; content: Buffer }>({
    name: 'read-access-blocks',
    text: `SELECT id, content FROM access_block
           WHERE id = ANY ($1::text[]) AND (SELECT pg_try_advisory_xact_lock($2::bigint)) ORDER BY id`,
    values: [ids, String(session.cipher.fixedTokenOf('access blocks'))],
  });
  const blocks = rows.map((row) => openBlock(session.cipher, row));
  if (blocks.length > 0) await expandBlocks(session, blocks);
}
