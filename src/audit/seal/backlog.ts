// Events that were found and not sealed yet, by tenant: what keeps one tenant's from being sealed keeps no other's.

import type { FoundEvents } from './find-unsealed.ts';

export interface Backlog {
  add(found: readonly FoundEvents[]): void;
  /** Seals what it can; what it cannot stays. */
  work(): Promise<void>;
  isEmpty(): boolean;
  /** True once: there was more than is remembered, so everything since the last good moment has to be found again. */
  mustFindAgain(): boolean;
  /** When the oldest of them was recorded. */
  oldest(): Date | undefined;
}

const atOnce = 4;
/** So many of one tenant in one transaction, and what was committed together with the last. */
const perTransaction = 1_000;
/** Of one tenant; beyond it only that there is more is remembered. */
const rememberedMax = 20_000;

export function createBacklog(
  seal: (tenantId: number, found: readonly FoundEvents[]) => Promise<void>,
  onError: (error: unknown, what: string) => void,
): Backlog {
  const waiting = new Map<number, FoundEvents[]>();
  const forgotten = new Set<number>();
  const failing = new Set<number>();
  let findAgain = false;

  async function sealTenant(tenantId: number, found: FoundEvents[]): Promise<void> {
    try {
      while (found.length > 0) {
        const length = lengthOf(found, perTransaction);
        await seal(tenantId, found.slice(0, length));
        found.splice(0, length);
      }
      waiting.delete(tenantId);
      failing.delete(tenantId);
      if (forgotten.delete(tenantId)) findAgain = true;
    } catch (error) {
      if (!failing.has(tenantId)) {
        onError(error, `AuditEvents of tenant ${tenantId} could not be sealed; it is tried again.`);
      }
      failing.add(tenantId);
      const length = lengthOf(found, rememberedMax);
      if (length === found.length) return;
      found.length = length;
      forgotten.add(tenantId);
    }
  }

  return {
    add(found) {
      for (const refs of found) {
        const others = waiting.get(refs.tenantId);
        if (others) others.push(refs);
        else waiting.set(refs.tenantId, [refs]);
      }
    },
    async work() {
      const tenants = [...waiting];
      const takeTurns = async () => {
        for (let next = tenants.pop(); next; next = tenants.pop()) await sealTenant(...next);
      };
      await Promise.all(Array.from({ length: atOnce }, takeTurns));
    },
    isEmpty: () => waiting.size === 0 && !findAgain,
    mustFindAgain() {
      const must = findAgain;
      findAgain = false;
      return must;
    },
    oldest() {
      let oldest: Date | undefined;
      for (const found of waiting.values()) {
        for (const refs of found) if (!oldest || refs.oldest < oldest) oldest = refs.oldest;
      }
      return oldest;
    },
  };
}

/** How many of them have so many events together, or all where they have fewer. */
function lengthOf(found: readonly FoundEvents[], events: number): number {
  let count = 0;
  const last = found.findIndex((refs) => {
    count += refs.count;
    return count >= events;
  });
  return last < 0 ? found.length : last + 1;
}
