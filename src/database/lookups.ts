// Reads by key of many requests in one message: what arrives in one turn of the event loop travels together, ordered by tenant.
// Each tenant's reads stand behind a statement that sets their tenant, so none runs in sight of another tenant's rows.

import type { BatchEntry } from './batch.ts';
import { busy, type Pool, type PooledConnection } from './pool.ts';
import { translateSqlError } from './sql-errors.ts';
import type { Statement } from './statement.ts';

/** Runs one statement that reads a few rows by their key, and gives them. */
export type Lookup = (tenantId: number, statement: Statement) => Promise<unknown[]>;

interface Asked {
  readonly tenantId: number;
  readonly statement: Statement;
  readonly resolve: (rows: unknown[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Failed {
  readonly asked: Asked;
  readonly error: unknown;
}

/** More in one message would keep the first waiting for the last. */
const perMessageMax = 32;
/** The other connections are left to transactions. */
const messagesMax = 4;
const waitingMax = 1_000;

/** `setTenant` gives the statement that makes the rest of a transaction see that tenant only. */
export function createLookup(pool: Pool, setTenant: (tenantId: number) => Statement): Lookup {
  const waiting: Asked[] = [];
  let messagesUnderWay = 0;
  let isScheduled = false;

  /** At the end of the turn, when all requests that arrived in it have asked. */
  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      while (waiting.length > 0 && messagesUnderWay < messagesMax) void deliver(waiting.splice(0, perMessageMax));
    });
  }

  async function deliver(asked: readonly Asked[]): Promise<void> {
    messagesUnderWay += 1;
    await sendOrRepeat(asked);
    messagesUnderWay -= 1;
    if (waiting.length > 0) schedule();
  }

  /** One failure fails all that travel behind it, so each of these is asked again in a message of its own. */
  async function sendOrRepeat(asked: readonly Asked[]): Promise<void> {
    const failed = await send(asked);
    if (asked.length > 1) for (const one of failed) await sendOrRepeat([one.asked]);
    else for (const one of failed) one.asked.reject(translateSqlError(one.error));
  }

  /** Never rejects; gives those that got no answer. */
  async function send(asked: readonly Asked[]): Promise<Failed[]> {
    const failed: Failed[] = [];
    let connection: PooledConnection | undefined;
    let isHealthy = false;
    try {
      connection = await pool.acquire();
      await connection.send(entriesOf(asked, setTenant, failed));
      isHealthy = true;
    } catch (error) {
      if (failed.length === 0) for (const one of asked) failed.push({ asked: one, error });
    } finally {
      connection?.release(isHealthy);
    }
    return failed;
  }

  return (tenantId, statement) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= waitingMax) throw busy();
      waiting.push({ tenantId, statement, resolve, reject });
      schedule();
    });
}

function entriesOf(asked: readonly Asked[], setTenant: (id: number) => Statement, failed: Failed[]): BatchEntry[] {
  const entries: BatchEntry[] = [];
  let tenantId: number | undefined;
  for (const one of asked.toSorted((a, b) => a.tenantId - b.tenantId)) {
    if (one.tenantId !== tenantId)
      entries.push({ statement: setTenant(one.tenantId), answered: ignore, failed: ignore });
    tenantId = one.tenantId;
    const { statement, resolve } = one;
    entries.push({ statement, answered: resolve, failed: (error) => failed.push({ asked: one, error }) });
  }
  return entries;
}

function ignore(): void {}
