// Events that were found and not sealed yet, by tenant: what keeps one tenant's from being sealed keeps no other's.

import type { EventRef, FoundRef } from './find-unsealed.ts';

export interface Backlog {
  add(found: readonly FoundRef[]): void;
  /** Seals what it can; what it cannot stays. */
  work(): Promise<void>;
  isEmpty(): boolean;
  /** True once: there was more than is remembered, so everything since the last good moment has to be found again. */
  mustFindAgain(): boolean;
  /** When the oldest of them was recorded. */
  oldest(): Date | undefined;
}

const atOnce = 4;
/** So much of one tenant in one transaction. */
const perTransaction = 1_000;
/** Of one tenant; beyond it only that there is more is remembered. */
const rememberedMax = 20_000;

export function createBacklog(
  seal: (tenantId: number, refs: readonly EventRef[]) => Promise<void>,
  onError: (error: unknown, what: string) => void,
): Backlog {
  const waiting = new Map<number, EventRef[]>();
  const forgotten = new Set<number>();
  const failing = new Set<number>();
  let findAgain = false;

  async function sealTenant(tenantId: number, refs: EventRef[]): Promise<void> {
    try {
      while (refs.length > 0) {
        await seal(tenantId, refs.slice(0, perTransaction));
        refs.splice(0, perTransaction);
      }
      waiting.delete(tenantId);
      failing.delete(tenantId);
      if (forgotten.delete(tenantId)) findAgain = true;
    } catch (error) {
      if (!failing.has(tenantId)) {
        onError(error, `AuditEvents of tenant ${tenantId} could not be sealed; it is tried again.`);
      }
      failing.add(tenantId);
      if (refs.length <= rememberedMax) return;
      refs.length = rememberedMax;
      forgotten.add(tenantId);
    }
  }

  return {
    add(found) {
      for (const { tenantId, id, lastUpdated } of found) {
        const refs = waiting.get(tenantId);
        if (refs) refs.push({ id, lastUpdated });
        else waiting.set(tenantId, [{ id, lastUpdated }]);
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
      for (const refs of waiting.values()) {
        for (const { lastUpdated } of refs) if (!oldest || lastUpdated < oldest) oldest = lastUpdated;
      }
      return oldest;
    },
  };
}
