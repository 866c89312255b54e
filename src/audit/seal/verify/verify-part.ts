// A part of a tenant's proof that one request can afford: the whole tree against its last head, and some of its rows.

import type { TenantTransaction } from '../../../database/tenant-transaction.ts';
import { readArchivedRows } from '../../archive/verify-archived.ts';
import type { Head } from '../head.ts';
import { readHeadAt } from '../head-rows.ts';
import { GrowingTree, tileSize } from '../merkle.ts';
import { consistencyPath, isConsistent, rootOf, type TreeHashes } from '../tree-proofs.ts';
import { type Milestone, requireReached } from './check-anchors.ts';
import { checkLastHead, checkOrder, walkHeads } from './check-heads.ts';
import { createRowCheck, type RowCheck } from './check-rows.ts';
import { SealDifference } from './difference.ts';
import { findStrangers } from './find-strangers.ts';
import { MissingHashError, readLeaves, readTreeHashes } from './tree-rows.ts';

export interface PartOptions {
  /** The first row, from 0; absent: the newest are checked. */
  readonly from?: number | undefined;
  readonly count: number;
  /** Shown to be where the tree of now began. */
  readonly anchor?: Milestone | undefined;
  readonly now: Date;
}

export interface VerifiedPart {
  readonly head: Head;
  /** Rows from here to before there were checked. */
  readonly from: number;
  readonly to: number;
  /** From the anchor to the head. */
  readonly consistency: readonly Buffer[] | undefined;
  /** Events that are too young to be sealed; undefined where the newest rows were not asked for. */
  readonly waiting: number | undefined;
}

const tilesPerStep = 8;
const headsMax = 100;

/** Undefined where nothing was sealed yet; throws a `SealDifference` at the first one. */
export async function verifyPart(trx: TenantTransaction, options: PartOptions): Promise<VerifiedPart | undefined> {
  const head = await checkLastHead(trx, trx.tenantId, undefined);
  if (!head) return undefined;
  const { anchor, count, from = Math.max(head.size - count, 0), now } = options;
  const to = Math.min(from + count, head.size);
  try {
    const hashes = await readTreeHashes(trx, head.size, Math.min(anchor?.size ?? 0, head.size));
    if (!rootOf(hashes).equals(head.root))
      throw rewritten(`Its tiles do not lead to the root of the head of ${head.at.toISOString()}.`);
    await checkLastHeads(trx, head);
    const consistency = anchor && proveConsistency(hashes, head, anchor);
    const low = await checkRows(trx, hashes, { from, to, key: head.key });
    const waiting = to === head.size ? await findStrangers(trx, now, low ?? now) : undefined;
    return { head, from, to, consistency, waiting };
  } catch (error) {
    if (error instanceof MissingHashError) throw new SealDifference('gap', `Of the tree ${error.message}.`);
    throw error;
  }
}

async function checkLastHeads(trx: TenantTransaction, last: Head): Promise<void> {
  const start = await readHeadAt(trx, Math.max(last.size - headsMax, 0));
  let before: Head | undefined;
  for await (const { head } of walkHeads(trx, trx.tenantId, Number(start?.size ?? 0))) {
    if (before || !start) checkOrder(head, before);
    before = head;
  }
}

function proveConsistency(hashes: TreeHashes, head: Head, anchor: Milestone): readonly Buffer[] {
  requireReached(anchor, head);
  const { size, root } = head;
  const path = consistencyPath(hashes, anchor.size);
  if (isConsistent({ oldSize: anchor.size, oldRoot: anchor.root, size, root, path })) return path;
  throw rewritten(`${anchor.by} has another root for the first ${anchor.size} events: what was sealed was made anew.`);
}

interface Part {
  readonly from: number;
  readonly to: number;
  /** Who signs here. */
  readonly key: string;
}

/** Against the tiles, which the root vouches for. Gives when the earliest of them was recorded. */
async function checkRows(
  trx: TenantTransaction,
  hashes: TreeHashes,
  { from, to, key }: Part,
): Promise<Date | undefined> {
  const archived = await readArchivedRows(trx, key);
  const rows = createRowCheck(trx.tenantId, archived.isArchived);
  const perStep = tilesPerStep * tileSize;
  let low: Date | undefined;
  for (let start = Math.floor(from / tileSize) * tileSize; start < to; start += perStep) {
    const lowest = await checkTiles(trx, hashes, { from: start, to: start + perStep, rows });
    low = !low || (lowest && lowest < low) ? lowest : low;
  }
  const difference = rows.difference();
  if (difference) throw difference;
  archived.requireNoMore();
  return low;
}

async function checkTiles(
  trx: TenantTransaction,
  hashes: TreeHashes,
  { from, to, rows }: Omit<Part, 'key'> & { readonly rows: RowCheck },
): Promise<Date | undefined> {
  const { leaves } = await readLeaves(trx, from, to);
  let tree = new GrowingTree();
  let low: Date | undefined;
  for (const [at, leaf] of leaves.entries()) {
    // Sealed while this was read.
    if (leaf.index >= hashes.size) break;
    if (leaf.index !== from + at) throw new SealDifference('gap', `Leaf ${from + at + 1} is not there.`);
    rows.check(leaf);
    low = !low || leaf.lastUpdated < low ? leaf.lastUpdated : low;
    const tile = tree.append(leaf.hash);
    if (!tile) continue;
    const first = leaf.index - tileSize + 2;
    if (!tile.equals(hashes.tileHash(Math.floor(leaf.index / tileSize)))) {
      throw rewritten(`The tile of events ${first} to ${leaf.index + 1} has another hash than its leaves.`);
    }
    tree = new GrowingTree();
  }
  return low;
}

function rewritten(what: string): SealDifference {
  return new SealDifference('rewritten', what);
}
