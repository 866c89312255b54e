// Shares a pool's connections among tenants: none has all of them, and where some wait they have them by turns, so that a crowd of one
// clinic, or what waits for its locks, keeps no other waiting (bulkheads: https://learn.microsoft.com/azure/architecture/patterns/bulkhead).

import { busy, type Pool, type PooledConnection } from './pool.ts';

export interface FairShare {
  /** A connection of the pool, for one transaction of the tenant. Throws 503 where too many wait, or for too long. */
  acquire(tenantId: number): Promise<PooledConnection>;
  /** Transactions that wait for their tenant's turn. */
  waiting(): number;
}

export interface ShareOptions {
  /** Transactions of all tenants. */
  readonly atOnceMax: number;
  readonly ofOneTenantMax: number;
  /** Of one tenant; the next one is refused. */
  readonly waitingMax: number;
  readonly patienceMs?: number;
}

const usualPatienceMs = 3_000;

export function shareFairly(pool: Pick<Pool, 'acquire'>, options: ShareOptions): FairShare {
  const turns = new Turns(options);
  return {
    async acquire(tenantId) {
      await turns.begin(tenantId);
      try {
        const { send, release } = await pool.acquire();
        return {
          send,
          release(isHealthy) {
            release(isHealthy);
            turns.end(tenantId);
          },
        };
      } catch (error) {
        turns.end(tenantId);
        throw error;
      }
    },
    waiting: () => turns.waiting(),
  };
}

interface Waiting {
  begin(): void;
}

class Turns {
  readonly #options: ShareOptions;
  /** Turns of each tenant; of those that have none there is nothing. */
  readonly #underWay = new Map<number, number>();
  /** Whose turn it is next comes first. */
  readonly #queues = new Map<number, Set<Waiting>>();
  #atOnce = 0;

  constructor(options: ShareOptions) {
    this.#options = options;
  }

  /** Undefined when there is no need to wait. */
  begin(tenantId: number): Promise<void> | undefined {
    if (!this.#mayBegin(tenantId)) return this.#wait(tenantId);
    this.#count(tenantId, 1);
    return undefined;
  }

  /** One that waits may begin, of the tenants that wait the next. */
  end(tenantId: number): void {
    this.#count(tenantId, -1);
    for (const [next, queue] of this.#queues) {
      const [first] = queue;
      if (!first || !this.#mayBegin(next)) continue;
      this.#queues.delete(next);
      queue.delete(first);
      if (queue.size > 0) this.#queues.set(next, queue);
      this.#count(next, 1);
      first.begin();
      return;
    }
  }

  waiting(): number {
    return this.#queues.values().reduce((count, queue) => count + queue.size, 0);
  }

  #mayBegin(tenantId: number): boolean {
    const { atOnceMax, ofOneTenantMax } = this.#options;
    return this.#atOnce < atOnceMax && (this.#underWay.get(tenantId) ?? 0) < ofOneTenantMax;
  }

  #count(tenantId: number, more: 1 | -1): void {
    this.#atOnce += more;
    const count = (this.#underWay.get(tenantId) ?? 0) + more;
    if (count > 0) this.#underWay.set(tenantId, count);
    else this.#underWay.delete(tenantId);
  }

  #wait(tenantId: number): Promise<void> {
    const { waitingMax, patienceMs = usualPatienceMs } = this.#options;
    const queue = this.#queues.get(tenantId) ?? new Set();
    if (queue.size >= waitingMax) throw busy();
    this.#queues.set(tenantId, queue);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        queue.delete(one);
        if (queue.size === 0) this.#queues.delete(tenantId);
        reject(busy());
      }, patienceMs);
      const one = {
        begin() {
          clearTimeout(timer);
          resolve();
        },
      };
      queue.add(one);
    });
  }
}
