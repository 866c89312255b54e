// What a process that only answers leaves to the workers for a second: what is still there then it makes AuditEvents of itself.

import { serverCaller } from '../../access/caller.ts';
import { inSession, type Repository } from '../../repository/session.ts';
import { type AccessBlock, openBlock } from './access-block.ts';
import { expanderName } from './expand-blocks.ts';
import type { Expander } from './expander.ts';

const headStartMs = 1_000;
const lookEveryMs = 100;
/** More are not kept in memory: they are stored, and workers look for them in any case. */
const blocksMax = 5_000;
/** Opening them keeps everybody else waiting. */
const openedAtOnceMax = 50;

/** Without the facts: what lives for a second the collector copies again and again, and of hardly any block they are wanted. */
interface Given {
  readonly tenantId: number;
  readonly id: string;
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
      await takeOver(tenantId, ofTenant).catch(onError);
    }
  }

  async function takeOver(tenantId: number, due: readonly Given[]): Promise<void> {
    for (let start = 0; start < due.length && !isClosed; start += openedAtOnceMax) {
      const since = new Map(due.slice(start, start + openedAtOnceMax).map(({ id, sinceMs }) => [id, sinceMs]));
      const left = await leftOf(repository, tenantId, [...since.keys()]);
      for (const block of left) expander.add(tenantId, block, since.get(block.id));
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
    add(tenantId, { id }, sinceMs = performance.now()) {
      if (isClosed || given.length >= blocksMax) return;
      given.push({ tenantId, id, sinceMs });
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

/** In the order in which they were given, which is that of their ids. */
async function leftOf(repository: Repository, tenantId: number, ids: readonly string[]): Promise<AccessBlock[]> {
  const statement = {
    name: 'access-blocks-left',
    text: 'SELECT id, content FROM access_block WHERE id = ANY ($1::text[]) ORDER BY id',
    values: [ids],
  };
  const caller = serverCaller(tenantId, expanderName);
  return await inSession(
    repository,
    caller,
    async ({ trx, cipher }) => {
      const rows = await trx.query<{ id: string; content: Buffer }>(statement);
      return rows.map((row) => openBlock(cipher, row));
    },
    'read',
  );
}
