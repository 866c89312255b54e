// What a process that only answers leaves to the workers for a second: what is still there then it makes AuditEvents of itself.

import { serverCaller } from '../../access/caller.ts';
import { inSession, type Repository } from '../../repository/session.ts';
import type { AccessBlock } from './access-block.ts';
import { expanderName } from './expand-blocks.ts';
import type { Expander } from './expander.ts';

const headStartMs = 1_000;
const lookEveryMs = 100;
/** More are not kept in memory: they are stored, and workers look for them in any case. */
const blocksMax = 5_000;

interface Given {
  readonly tenantId: number;
  readonly block: AccessBlock;
  readonly sinceMs: number;
}

export function behindWorkers(repository: Repository, expander: Expander, onError: (error: unknown) => void): Expander {
  let given: Given[] = [];
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let isClosed = false;

  async function look(): Promise<void> {
    const dueBefore = performance.now() - headStartMs;
    const younger = given.findIndex(({ sinceMs }) => sinceMs > dueBefore);
    const due = given.splice(0, younger < 0 ? given.length : younger);
    for (const [tenantId, ofTenant] of Map.groupBy(due, (one) => one.tenantId)) {
      const left = await leftOf(repository, tenantId, ofTenant).catch(onError);
      for (const { block, sinceMs } of left ?? []) expander.add(tenantId, block, sinceMs);
    }
  }

  function lookSoon(): void {
    timer ??= setTimeout(async () => {
      looking = look();
      await looking;
      timer = undefined;
      if (given.length > 0) lookSoon();
    }, lookEveryMs).unref();
  }

  return {
    add(tenantId, block, sinceMs = performance.now()) {
      if (isClosed || given.length >= blocksMax) return;
      given.push({ tenantId, block, sinceMs });
      lookSoon();
    },
    keptUp: expander.keptUp,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      given = [];
      await looking;
      await expander.close();
    },
  };
}

async function leftOf(repository: Repository, tenantId: number, given: readonly Given[]): Promise<Given[]> {
  const statement = {
    name: 'access-blocks-left',
    text: 'SELECT id FROM access_block WHERE id = ANY ($1::text[])',
    values: [given.map(({ block }) => block.id)],
  };
  const caller = serverCaller(tenantId, expanderName);
  const rows = await inSession(repository, caller, ({ trx }) => trx.query<{ id: string }>(statement), 'read');
  const left = new Set(rows.map(({ id }) => id));
  return given.filter(({ block }) => left.has(block.id));
}
