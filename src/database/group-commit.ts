// Rows of many requests and tenants committed in one message: whoever waits for its commit waits in company
// (https://www.postgresql.org/docs/current/wal-async-commit.html). Each tenant's stand behind a statement that sets their tenant.

import type { BatchEntry } from './batch.ts';
import { busy, type Pool, type PooledConnection } from './pool.ts';
import { isUnavailable, translateSqlError } from './sql-errors.ts';
import type { Statement } from './statement.ts';
import { setTenant } from './tenant-transaction.ts';

/** Resolves once what the items became is committed. */
export type GroupCommit<Item> = (tenantId: number, items: readonly Item[]) => Promise<void>;

/** What the items of a tenant become; `committed` is told when it is there for good. */
export interface Written {
  readonly statement: Statement;
  committed(): void;
}

interface Waiting<Item> {
  readonly tenantId: number;
  readonly items: readonly Item[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** So many messages leave without waiting for one that is under way, and so many at most. */
const [atOnceMax, messagesMax] = [1, 4];
/** What the next message waits for company at most. */
const companyMs = 5;
const itemsPerMessageMax = 500;
const itemsWaitingMax = 20_000;

/** `write` is called once for each tenant of a message; what it throws, that tenant's callers get. */
export function createGroupCommit<Item>(pool: Pool, write: Write<Item>): GroupCommit<Item> {
  const waiting: Waiting<Item>[] = [];
  let itemsWaiting = 0;
  let underWay = 0;
  let isScheduled = false;
  let timer: NodeJS.Timeout | undefined;

  /** At the end of the turn, when all that were noted in it are there. */
  function schedule(): void {
    if (isScheduled) return;
    if (underWay < atOnceMax) {
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        leave();
      });
    } else if (underWay < messagesMax) timer ??= setTimeout(leave, companyMs);
  }

  function leave(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0 && underWay < messagesMax) void deliver(take());
    if (waiting.length > 0) schedule();
  }

  function take(): Waiting<Item>[] {
    const taken = waiting.splice(0, fitting(waiting));
    for (const { items } of taken) itemsWaiting -= items.length;
    return taken;
  }

  async function deliver(taken: readonly Waiting<Item>[]): Promise<void> {
    underWay += 1;
    await sendOrPart(pool, groupsOf(taken, write));
    underWay -= 1;
    if (waiting.length > 0) schedule();
  }

  return (tenantId, items) =>
    new Promise((resolve, reject) => {
      if (itemsWaiting + items.length > itemsWaitingMax) throw busy();
      waiting.push({ tenantId, items, resolve, reject });
      itemsWaiting += items.length;
      schedule();
    });
}

type Write<Item> = (tenantId: number, items: readonly Item[]) => Written;

/** How many travel in one message. */
function fitting<Item>(waiting: readonly Waiting<Item>[]): number {
  let count = 0;
  const first = waiting.findIndex(({ items }, index) => {
    count += items.length;
    return index > 0 && count > itemsPerMessageMax;
  });
  return first < 0 ? waiting.length : first;
}

function groupsOf<Item>(taken: readonly Waiting<Item>[], write: Write<Item>): Group<Item>[] {
  return [...Map.groupBy(taken, ({ tenantId }) => tenantId)].flatMap(([tenantId, waiting]) => {
    try {
      const items = waiting.length === 1 ? (waiting[0] as Waiting<Item>).items : waiting.flatMap((one) => one.items);
      return [{ tenantId, waiting, written: write(tenantId, items) }];
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      return [];
    }
  });
}

/** Nothing of a message is kept when one statement fails: what is wrong with one tenant must not be all tenants' trouble. */
async function sendOrPart<Item>(pool: Pool, groups: readonly Group<Item>[]): Promise<void> {
  if (groups.length === 0) return;
  try {
    await send(pool, groups);
  } catch (error) {
    if (groups.length > 1) for (const group of groups) await sendOrPart(pool, [group]);
    else settle(groups, translateSqlError(error));
    return;
  }
  settle(groups);
}

interface Group<Item> {
  readonly tenantId: number;
  readonly waiting: readonly Waiting<Item>[];
  readonly written: Written;
}

function settle<Item>(groups: readonly Group<Item>[], error?: unknown): void {
  for (const { waiting, written } of groups) {
    if (error === undefined) written.committed();
    for (const { resolve, reject } of waiting) error === undefined ? resolve() : reject(error);
  }
}

/** The message is one transaction, which its Sync commits: the answer to that is the commit's. */
async function send<Item>(pool: Pool, groups: readonly Group<Item>[]): Promise<void> {
  let connection: PooledConnection | undefined;
  let isHealthy = false;
  try {
    connection = await pool.acquire();
    await connection.send(
      groups.flatMap(({ tenantId, written }) => [entryOf(setTenant(tenantId)), entryOf(written.statement)]),
    );
    isHealthy = true;
  } catch (error) {
    isHealthy = !isUnavailable(error);
    throw error;
  } finally {
    connection?.release(isHealthy);
  }
}

function entryOf(statement: Statement): BatchEntry {
  return { statement, answered: ignore, failed: ignore };
}

function ignore(): void {}
