// Appends AuditEvents of one tenant to its tree and signs the new head: read in one message, hashed, written in another.

import type { TenantDoor, TenantTransaction } from '../../database/tenant-transaction.ts';
import type { EventRef } from './find-unsealed.ts';
import { type Head, headHash, isSigned, signedBytes } from './head.ts';
import { type HeadRow, readLastHead, toHead } from './head-rows.ts';
import { type AuditRow, leafHash } from './leaf.ts';
import { GrowingTree, splitHashes } from './merkle.ts';
import type { SealKey } from './seal-key.ts';

export interface SealRowsOptions {
  readonly tenantDoor: TenantDoor;
  readonly key: SealKey;
  readonly now: () => Date;
}

export interface RowsToSeal {
  readonly tenantId: number;
  readonly refs: readonly EventRef[];
  /** Kept with the head: up to when everything of all tenants is sealed for certain. */
  readonly sealedUntil: string;
}

/**
 * What is in the tree already is left out, so that doing it again changes nothing, and gives the head that was written before.
 * No transaction is open while this computes: one that another sealer has overtaken writes the same first leaf, and fails.
 */
export async function sealRows(options: SealRowsOptions, rowsToSeal: RowsToSeal): Promise<Head | undefined> {
  const { tenantId, refs, sealedUntil } = rowsToSeal;
  // The head first: what is sealed meanwhile is behind it, or it would be sealed twice.
  const [last, rows] = await options.tenantDoor(
    tenantId,
    (trx) => Promise.all([readLastHead(trx), readUnsealed(trx, refs)]),
    'read',
  );
  if (rows.length === 0) return last && toHead(tenantId, last);
  const tree = treeOf(tenantId, last, options.key);
  const runs = appendRows(tree, tenantId, rows);
  const head = signHead(options, tree, tenantId, last);
  await options.tenantDoor(tenantId, async (trx) => {
    for (const run of runs) insertRun(trx, run);
    insertHead(trx, head, tree.subtrees, sealedUntil);
  });
  return head;
}

async function readUnsealed(trx: TenantTransaction, refs: readonly EventRef[]): Promise<AuditRow[]> {
  const times = refs.map(({ lastUpdated }) => lastUpdated.getTime());
  const low = new Date(times.reduce((a, b) => Math.min(a, b)));
  const high = new Date(times.reduce((a, b) => Math.max(a, b)));
  return await trx.query<AuditRow>({
    name: 'unsealed-rows',
    text: `WITH unsealed (id, at) AS MATERIALIZED (
             SELECT * FROM unnest($1::text[], $2::timestamptz[])
             EXCEPT SELECT unnest(ids), unnest(times) FROM seal_leaves WHERE high >= $3 AND low <= $4)
           SELECT event.id, event.last_updated AS "lastUpdated", event.content
           FROM unsealed JOIN audit_event event ON event.id = unsealed.id AND event.last_updated = unsealed.at
           ORDER BY event.last_updated, event.id`,
    values: [refs.map(({ id }) => id), refs.map(({ lastUpdated }) => lastUpdated), low, high],
  });
}

/** What was changed behind the sealer's back is not signed again: a new head would make it look sound. */
function treeOf(tenantId: number, last: HeadRow | undefined, { key }: SealKey): GrowingTree {
  if (!last) return new GrowingTree();
  const head = toHead(tenantId, last);
  const tree = new GrowingTree(head.size, splitHashes(last.subtrees));
  if (head.key === key && isSigned(head) && tree.root.equals(head.root)) return tree;
  throw new Error(
    `The last head of tenant ${tenantId} is not the one that was signed; npm run audit:verify says more.`,
  );
}

/** Leaves that stand one behind the other in one tile. */
interface Run {
  readonly first: number;
  readonly hashes: Buffer[];
  readonly rows: AuditRow[];
  tile?: Buffer;
}

function appendRows(tree: GrowingTree, tenantId: number, rows: readonly AuditRow[]): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const row of rows) {
    if (!run) {
      run = { first: tree.size, hashes: [], rows: [] };
      runs.push(run);
    }
    const hash = leafHash(tenantId, row);
    run.hashes.push(hash);
    run.rows.push(row);
    const tile = tree.append(hash);
    if (!tile) continue;
    run.tile = tile;
    run = undefined;
  }
  return runs;
}

function insertRun(trx: TenantTransaction, { first, hashes, rows, tile }: Run): void {
  trx.execute({
    name: 'insert-seal-leaves',
    text: `INSERT INTO seal_leaves (first, hashes, ids, times, low, high, tile_hash)
           SELECT $1, $2, $3, $4, min(at), max(at), $5 FROM unnest($4::timestamptz[]) AS at`,
    values: [first, Buffer.concat(hashes), rows.map(({ id }) => id), rows.map(({ lastUpdated }) => lastUpdated), tile],
  });
}

function signHead(
  { key, now }: SealRowsOptions,
  { size, root }: GrowingTree,
  tenantId: number,
  last: HeadRow | undefined,
): Head {
  const prevHash = last ? headHash(toHead(tenantId, last)) : Buffer.alloc(0);
  const unsigned = { tenantId, size, root, prevHash, at: now(), key: key.key };
  return { ...unsigned, signature: key.sign(signedBytes(unsigned)) };
}

function insertHead(trx: TenantTransaction, head: Head, subtrees: Buffer, sealedUntil: string): void {
  const { size, root, prevHash, at, key, signature } = head;
  trx.execute({
    name: 'insert-seal-head',
    text: `INSERT INTO seal_head (size, root, prev_hash, at, key, signature, subtrees, sealed_until)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [size, root, prevHash, at, key, signature, subtrees, sealedUntil],
  });
}
