// Makes AuditEvents of the facts that this process has stored, behind the answers: in batches, and never for long at a time.

import { setTimeout as delay } from 'node:timers/promises';
import { serverCaller } from '../../access/caller.ts';
import { inSession, type Repository } from '../../repository/session.ts';
import type { AccessBlock } from './access-block.ts';
import { expandBlocks, expanderName } from './expand-blocks.ts';

export interface Expander {
  /** Of a block that is committed, `sinceMs` of `performance.now()`: now where it is absent. */
  add(tenantId: number, block: AccessBlock, sinceMs?: number): void;
  /** Undefined unless so much of the tenant's waits that its AuditEvents would be seen too late: then it resolves when it is less. */
  keptUp(tenantId: number): Promise<void> | undefined;
  /** Takes no more, and finishes what it can in a moment. */
  close(): Promise<void>;
}

interface Waiting {
  readonly block: AccessBlock;
  readonly sinceMs: number;
}

/** What comes meanwhile travels along. */
const gatherMs = 50;
const factsPerBatchMax = 200;
/** More are not kept in memory: whoever looks for leftovers finds them. */
const factsWaitingMax = 20_000;
const lagMaxMs = 1_500;
const closeTimeoutMs = 3_000;

export function createExpander(repository: Repository, onError: (error: unknown) => void): Expander {
  /** By tenant: whose turn is next comes first. */
  const waiting = new Map<number, Waiting[]>();
  let factsWaiting = 0;
  let running: Promise<void> | undefined;
  let isClosed = false;
  const caughtUp = new Map<number, PromiseWithResolvers<void>>();

  async function run(): Promise<void> {
    while (waiting.size > 0) {
      if (factsWaiting < factsPerBatchMax && !isClosed) await delay(gatherMs);
      await expandBatch();
      for (const [tenantId, { resolve }] of caughtUp) {
        if (isBehind(tenantId)) continue;
        caughtUp.delete(tenantId);
        resolve();
      }
    }
    running = undefined;
  }

  async function expandBatch(): Promise<void> {
    const [first] = waiting;
    if (!first) return;
    const [tenantId, queue] = first;
    const blocks = takeBatch(queue);
    for (const { facts } of blocks) factsWaiting -= facts.length;
    waiting.delete(tenantId);
    if (queue.length > 0) waiting.set(tenantId, queue);
    try {
      await inSession(repository, serverCaller(tenantId, expanderName), (session) => expandBlocks(session, blocks));
    } catch (error) {
      // Theirs to find who look for leftovers: the others must not wait for one tenant.
      onError(error);
    }
  }

  function isBehind(tenantId: number): boolean {
    const [longest] = waiting.get(tenantId) ?? [];
    return longest !== undefined && performance.now() - longest.sinceMs > lagMaxMs;
  }

  return {
    add(tenantId, block, sinceMs = performance.now()) {
      if (isClosed || factsWaiting + block.facts.length > factsWaitingMax) return;
      factsWaiting += block.facts.length;
      const queue = waiting.get(tenantId) ?? [];
      queue.push({ block, sinceMs });
      waiting.set(tenantId, queue);
      running ??= run();
    },
    keptUp(tenantId) {
      if (!isBehind(tenantId)) return undefined;
      const caught = caughtUp.get(tenantId) ?? Promise.withResolvers();
      caughtUp.set(tenantId, caught);
      return caught.promise;
    },
    async close() {
      isClosed = true;
      await Promise.race([running, delay(closeTimeoutMs, undefined, { ref: false })]);
      waiting.clear();
      for (const { resolve } of caughtUp.values()) resolve();
    },
  };
}

function takeBatch(queue: Waiting[]): AccessBlock[] {
  let count = 0;
  const surplus = queue.findIndex(({ block }, index) => {
    count += block.facts.length;
    return index > 0 && count > factsPerBatchMax;
  });
  return queue.splice(0, surplus < 0 ? queue.length : surplus).map(({ block }) => block);
}
