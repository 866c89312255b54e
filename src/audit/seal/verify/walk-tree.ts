// Grows the tree again from its stored leaves, a part at a time, and holds rows, tiles and heads to it on the way.

import type { TenantTransaction } from '../../../database/tenant-transaction.ts';
import type { Head } from '../head.ts';
import { GrowingTree, nodeHash, tileSize } from '../merkle.ts';
import type { Milestone } from './check-anchors.ts';
import type { RowCheck } from './check-rows.ts';
import { SealDifference, type SealProgress } from './difference.ts';
import { createMarks, type Marks } from './marks.ts';
import { type Leaves, readEnd, readLeaves, readTiles, type StoredLeaf } from './tree-rows.ts';

export interface WalkOptions {
  readonly rows: RowCheck;
  readonly last: Head | undefined;
  readonly milestones: readonly Milestone[];
  /** Leaves before the tile of this one are believed; a milestone should be there. */
  readonly since: number;
  readonly progress?: SealProgress | undefined;
}

export interface Walked {
  readonly checked: number;
  readonly heads: number;
  /** When the earliest of these events was recorded. */
  readonly low: Date | undefined;
}

const tilesPerStep = 8;
const perStep = tilesPerStep * tileSize;

/** Of a row and the tree, the row is what people know. */
export async function walkTree(trx: TenantTransaction, options: WalkOptions): Promise<Walked> {
  const { rows } = options;
  try {
    const walked = await walk(trx, options);
    throwIf(rows.difference());
    return walked;
  } catch (error) {
    throw (error instanceof SealDifference && rows.difference()) || error;
  }
}

async function walk(trx: TenantTransaction, { rows, last, milestones, since, progress }: WalkOptions): Promise<Walked> {
  const start = Math.floor(since / tileSize) * tileSize;
  const tree = await growTo(trx, start);
  const [end, marks] = await Promise.all([readEnd(trx), createMarks(trx, start, milestones)]);
  if (marks.isAt(start)) await marks.pass(tree);
  let low: Date | undefined;
  let ahead = readStep(trx, start);
  for (let from = start; from < end; from += perStep) {
    const step = await ahead;
    // The database is at the next part while this process is at this one.
    ahead = readStep(trx, from + perStep);
    for (const leaf of step.leaves) {
      rows.check(leaf);
      low = !low || leaf.lastUpdated < low ? leaf.lastUpdated : low;
      await appendLeaf(tree, leaf, step, marks);
    }
    progress?.(tree.size, end);
  }
  await ahead;
  const heads = marks.end(tree);
  requireHeadAt(tree.size, last);
  return { checked: tree.size - start, heads, low };
}

/** From the hashes of its tiles. */
async function growTo(trx: TenantTransaction, size: number): Promise<GrowingTree> {
  const levels: (Buffer | undefined)[] = [];
  const tiles = size === 0 ? undefined : await readTiles(trx, size);
  for (let tile = 0; tile < size / tileSize; tile++) {
    let node = tiles?.get(tile);
    if (!node)
      throw new SealDifference(
        'gap',
        `The tile of events ${tile * tileSize + 1} to ${(tile + 1) * tileSize} is not there.`,
      );
    let level = 0;
    for (let left = levels[level]; left; left = levels[level]) {
      node = nodeHash(left, node);
      levels[level] = undefined;
      level += 1;
    }
    levels[level] = node;
  }
  return new GrowingTree(size, levels.flatMap((node) => node ?? []).reverse());
}

function readStep(trx: TenantTransaction, from: number): Promise<Leaves> {
  const step = readLeaves(trx, from, from + perStep);
  // Whoever waits for it hears of it.
  step.catch(() => undefined);
  return step;
}

async function appendLeaf(
  tree: GrowingTree,
  { index, hash }: StoredLeaf,
  { tiles }: Leaves,
  marks: Marks,
): Promise<void> {
  if (index !== tree.size) {
    const what = index > tree.size ? `Leaf ${tree.size + 1} is not there` : `Leaf ${index + 1} is there twice`;
    throw new SealDifference('gap', `${what}.`);
  }
  const tile = tree.append(hash);
  if (tile && !tiles.get(tree.size / tileSize - 1)?.equals(tile)) {
    throw new SealDifference(
      'rewritten',
      `The tile of events ${tree.size - tileSize + 1} to ${tree.size} has another hash than its leaves.`,
    );
  }
  if (marks.isAt(tree.size)) await marks.pass(tree);
}

function requireHeadAt(size: number, last: Head | undefined): void {
  if (size === (last?.size ?? 0)) return;
  throw new SealDifference(
    'gap',
    `Leaves are there for ${size} events, and the last head is about ${last?.size ?? 0}.`,
  );
}

function throwIf(difference: SealDifference | undefined): void {
  if (difference) throw difference;
}
