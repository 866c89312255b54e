// Appends AuditEvents of one tenant to its tree and signs the new head: their leaves are read in one message, the head is written in another.

import type { Statement } from '../../database/statement.ts';
import type { TenantDoor, TenantTransaction } from '../../database/tenant-transaction.ts';
import type { FoundEvents } from './find-unsealed.ts';
import { type Head, headHash, isSigned, signedBytes } from './head.ts';
import { type HeadRow, readLastHead, toHead } from './head-rows.ts';
import { leafSql } from './leaf.ts';
import { GrowingTree, splitHashes } from './merkle.ts';
import type { SealKey } from './seal-key.ts';

export interface SealRowsOptions {
  readonly tenantDoor: TenantDoor;
  readonly key: SealKey;
  readonly now: () => Date;
}

export interface RowsToSeal {
  readonly tenantId: number;
  readonly found: readonly FoundEvents[];
  /** Kept with the head: up to when everything of all tenants is sealed for certain. */
  readonly sealedUntil: string;
}

/**
 * What is in the tree already is left out, so that doing it again changes nothing, and gives the head that was written before.
 * No transaction is open while this computes: one that another sealer has overtaken writes the same first leaf, and fails.
 */
export async function sealRows(options: SealRowsOptions, rowsToSeal: RowsToSeal): Promise<Head | undefined> {
  const { tenantId, found, sealedUntil } = rowsToSeal;
  // The head first: what is sealed meanwhile is behind it, or it would be sealed twice.
  const [last, rows] = await options.tenantDoor(
    tenantId,
    (trx) => Promise.all([readLastHead(trx), readUnsealed(trx, found)]),
    'read',
  );
  if (rows.length === 0) return last && toHead(tenantId, last);
  const tree = treeOf(tenantId, last, options.key);
  const runs = appendRows(tree, rows);
  const head = signHead(options, tree, tenantId, last);
  await options.tenantDoor(tenantId, async (trx) => {
    for (const run of runs) insertRun(trx, run);
    insertHead(trx, head, tree.subtrees, sealedUntil);
  });
  return head;
}

interface LeafRow {
  readonly id: string;
  /** PostgreSQL's text. */
  readonly at: string;
  readonly leaf: Buffer;
}

async function readUnsealed(trx: TenantTransaction, found: readonly FoundEvents[]): Promise<LeafRow[]> {
  // However few the planner expects, none is compared with each; and however many, no process is started for them each second.
  trx.execute({
    name: 'set-sealing-plans',
    text: "SELECT set_config('enable_nestloop', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)",
  });
  return await trx.query<LeafRow>(unsealedRows(found));
}

/** By their time, which is what they stand in order of: by their transactions alone all of the tenant's might be looked through. */
export function unsealedRows(found: readonly FoundEvents[]): Statement {
  const low = new Date(Math.min(...found.map(({ oldest }) => oldest.getTime())));
  const high = new Date(Math.max(...found.map(({ newest }) => newest.getTime())));
  return {
    name: 'unsealed-rows',
    text: `WITH sealed (id, at) AS MATERIALIZED (
             SELECT unnest(ids), unnest(times) FROM seal_leaves WHERE high >= $2 AND low <= $3)
           SELECT event.id, event.last_updated::text AS at, ${leafSql('event')} AS leaf
           FROM audit_event event
           WHERE event.last_updated BETWEEN $2 AND $3 AND event.tx = ANY ($1::text[]::xid8[])
             AND NOT EXISTS (SELECT FROM sealed WHERE sealed.id = event.id AND sealed.at = event.last_updated)
           ORDER BY event.last_updated, event.id`,
    values: [`{${found.map(({ tx }) => tx).join(',')}}`, low, high],
  };
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
  readonly rows: LeafRow[];
  tile?: Buffer;
}

function appendRows(tree: GrowingTree, rows: readonly LeafRow[]): Run[] {
  const runs: Run[] = [];
  let run: Run | undefined;
  for (const row of rows) {
    if (!run) {
      run = { first: tree.size, hashes: [], rows: [] };
      runs.push(run);
    }
    run.hashes.push(row.leaf);
    run.rows.push(row);
    const tile = tree.append(row.leaf);
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
    values: [
      first,
      Buffer.concat(hashes),
      rows.map(({ id }) => id),
      `{"${rows.map(({ at }) => at).join('","')}"}`,
      tile,
    ],
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
