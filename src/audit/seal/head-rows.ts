// Heads as they are stored.

import type { Transaction } from '../../database/transaction.ts';
import type { Head } from './head.ts';

export const headColumns = 'size::text AS size, root, prev_hash AS "prevHash", at, key, signature, subtrees';

/** Of one tenant, or with `tenantId` where it is read across tenants. */
export interface HeadRow extends Omit<Head, 'size' | 'tenantId'> {
  readonly size: string;
  /** What the tree grows on from; it follows from the leaves, so nothing signs it. */
  readonly subtrees: Buffer;
}

export function toHead(
  tenantId: number,
  { size, root, prevHash, at, key, signature }: Omit<HeadRow, 'subtrees'>,
): Head {
  return { tenantId, size: Number(size), root, prevHash, at, key, signature };
}

export async function readLastHead(trx: Transaction): Promise<HeadRow | undefined> {
  const rows = await trx.query<HeadRow>({
    name: 'last-seal-head',
    text: `SELECT ${headColumns} FROM seal_head ORDER BY seal_head.size DESC LIMIT 1`,
  });
  return rows[0];
}

/** The newest of those that are no larger. */
export async function readHeadAt(trx: Transaction, size: number): Promise<HeadRow | undefined> {
  const rows = await trx.query<HeadRow>({
    name: 'seal-head-at',
    text: `SELECT ${headColumns} FROM seal_head WHERE seal_head.size <= $1 ORDER BY seal_head.size DESC LIMIT 1`,
    values: [size],
  });
  return rows[0];
}

/** Those behind this size, a part at a time, in their order. */
export async function readHeads(trx: Transaction, behind: number, count: number): Promise<HeadRow[]> {
  return await trx.query<HeadRow>({
    name: 'seal-heads',
    text: `SELECT ${headColumns} FROM seal_head WHERE seal_head.size > $1 ORDER BY seal_head.size LIMIT $2`,
    values: [behind, count],
  });
}
