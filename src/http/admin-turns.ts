// Changes of a tenant's administration, one after the other: whoever waits for its turn holds no database connection, of which all
// tenants have the same few (README, Decisions: transactions never wait for connections).

import { setTimeout as delay } from 'node:timers/promises';
import { fhirError } from '../fhir/outcome.ts';
import { TurnTaken } from '../people/last-administrator.ts';

/** Throws 429 when too many wait, and 503 when another process has the turn for too long. */
export type InTurn = <T>(tenantId: number, work: () => Promise<T>) => Promise<T>;

const waitingMax = 100;
const patienceMs = 10_000;
const pauseMs = 25;

/** Of this process; whose turn it is among processes, a lock in the database says: people/last-administrator.ts. */
export function createTurns(): InTurn {
  const queues = new Map<number, { last: Promise<unknown>; length: number }>();
  return async (tenantId, work) => {
    const queue = queues.get(tenantId) ?? { last: Promise.resolve(), length: 0 };
    if (queue.length >= waitingMax) {
      throw fhirError('throttled', 'Too many changes wait for their turn; try again shortly.', {
        retryAfterSeconds: 1,
      });
    }
    queues.set(tenantId, queue);
    queue.length += 1;
    const done = queue.last.then(() => orAgain(work));
    queue.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      queue.length -= 1;
      if (queue.length === 0) queues.delete(tenantId);
    }
  };
}

/** The transaction that found the turn taken is over, and with it whatever it held. */
async function orAgain<T>(work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + patienceMs; ; await delay(pauseMs * (1 + Math.random()))) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TurnTaken) || Date.now() >= end) throw error;
    }
  }
}
