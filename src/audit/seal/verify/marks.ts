// The sizes at which a tree that is grown again from its leaves has to be what its heads, and others, say that it was.

import type { TenantTransaction } from '../../../database/tenant-transaction.ts';
import type { Head } from '../head.ts';
import { readHeadAt, toHead } from '../head-rows.ts';
import type { GrowingTree } from '../merkle.ts';
import type { Milestone } from './check-anchors.ts';
import { checkOrder, type WalkedHead, walkHeads } from './check-heads.ts';
import { SealDifference } from './difference.ts';

export interface Marks {
  isAt(size: number): boolean;
  /** To be called where one is. */
  pass(tree: GrowingTree): Promise<void>;
  /** Behind the last leaf; gives how many heads were passed. */
  end(tree: GrowingTree): number;
}

export async function createMarks(
  trx: TenantTransaction,
  start: number,
  milestones: readonly Milestone[],
): Promise<Marks> {
  const stored = start === 0 ? undefined : await readHeadAt(trx, start);
  let before: Head | undefined = stored && toHead(trx.tenantId, stored);
  const walk = walkHeads(trx, trx.tenantId, before?.size ?? 0);
  const next = async (): Promise<WalkedHead | undefined> => (await walk.next()).value ?? undefined;
  let ahead = await next();
  let passed = 0;
  const sizes = new Set(milestones.map(({ size }) => size));
  return {
    isAt: (size) => ahead?.head.size === size || sizes.has(size),
    async pass(tree) {
      for (const { size, root, by } of milestones) if (size === tree.size) requireRoot(tree, root, by);
      if (ahead?.head.size !== tree.size) return;
      requireHead(tree, ahead, before);
      before = ahead.head;
      passed += 1;
      ahead = await next();
    },
    end({ size }) {
      if (!ahead) return passed;
      const { head } = ahead;
      throw new SealDifference(
        'gap',
        `The head of ${timeOf(head)} is about ${head.size} events, and leaves are there for ${size}.`,
      );
    },
  };
}

function requireRoot(tree: GrowingTree, root: Buffer, by: string): void {
  if (tree.root.equals(root)) return;
  throw new SealDifference(
    'rewritten',
    `${by} has another root for the first ${tree.size} events: what was sealed was made anew.`,
  );
}

function requireHead(tree: GrowingTree, { head, subtrees }: WalkedHead, before: Head | undefined): void {
  checkOrder(head, before);
  if (tree.root.equals(head.root) && tree.subtrees.equals(subtrees)) return;
  const events = `events ${(before?.size ?? 0) + 1} to ${head.size}`;
  throw new SealDifference(
    'rewritten',
    `The leaves of ${events} are not those that the head of ${timeOf(head)} signs.`,
  );
}

function timeOf({ at }: Head): string {
  return at.toISOString();
}
