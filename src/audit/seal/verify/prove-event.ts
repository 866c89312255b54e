// That one AuditEvent is in the tree of the last head, shown by the few hashes that lead from it to the root.

import type { TenantTransaction } from '../../../database/tenant-transaction.ts';
import { timeOfId } from '../../../fhir/ids.ts';
import { readArchivedRows } from '../../archive/verify-archived.ts';
import type { Head } from '../head.ts';
import { type AuditRow, leafHash } from '../leaf.ts';
import { includedRoot, inclusionPath } from '../tree-proofs.ts';
import { checkLastHead } from './check-heads.ts';
import { eventName, SealDifference } from './difference.ts';
import { MissingHashError, readTreeHashes } from './tree-rows.ts';

export interface EventProof {
  readonly id: string;
  readonly lastUpdated: Date;
  readonly leaf: Buffer;
  /** Of its leaf, from 0. */
  readonly index: number;
  readonly path: readonly Buffer[];
  readonly head: Head;
}

/** Throws a `SealDifference` where that cannot be shown. Without a `key` whoever the head names may have signed it. */
export async function proveEvent(trx: TenantTransaction, id: string, key: string | undefined): Promise<EventProof> {
  const row = await readRow(trx, id);
  const time = row?.lastUpdated ?? timeFrom(id);
  const place = time && (await findLeaf(trx, id, time));
  if (!time || (!row && !place)) throw new SealDifference('unknown', `AuditEvent/${id} is neither stored nor sealed.`);
  const name = eventName(id, time);
  if (!place) throw new SealDifference('unsealed', `${name} is not sealed.`);
  // Of one that is archived the leaf is shown: whoever has the file can hash its row.
  if (!row) await requireArchived(trx, { id, time }, key);
  const leaf = row ? leafHash(trx.tenantId, row) : place.hash;
  if (!leaf.equals(place.hash)) throw new SealDifference('edited', `${name} is not as it was sealed.`);
  const head = await checkLastHead(trx, trx.tenantId, key);
  if (!head || head.size <= place.index) throw new SealDifference('gap', `No head is about event ${place.index + 1}.`);
  const path = await pathTo(trx, head, place.index);
  if (!includedRoot({ leaf, ...place, size: head.size, path })?.equals(head.root)) {
    throw new SealDifference('rewritten', 'The hashes of the tree do not lead to the root of the last head.');
  }
  return { id, lastUpdated: time, leaf, index: place.index, path, head };
}

async function requireArchived(
  trx: TenantTransaction,
  { id, time }: { readonly id: string; readonly time: Date },
  key: string | undefined,
): Promise<void> {
  const archived = await readArchivedRows(trx, key);
  if (!archived.isArchived(time)) throw new SealDifference('deleted', `AuditEvent/${id} was sealed and is not there.`);
  archived.requireNoMore();
}

async function readRow(trx: TenantTransaction, id: string): Promise<AuditRow | undefined> {
  const rows = await trx.query<AuditRow>({
    name: 'audit-row-to-prove',
    text: 'SELECT id, last_updated AS "lastUpdated", content FROM audit_event WHERE id = $1',
    values: [id],
  });
  return rows[0];
}

function timeFrom(id: string): Date | undefined {
  const ms = timeOfId(id);
  return ms === undefined ? undefined : new Date(ms);
}

interface LeafPlace {
  readonly index: number;
  readonly hash: Buffer;
}

async function findLeaf(trx: TenantTransaction, id: string, time: Date): Promise<LeafPlace | undefined> {
  const rows = await trx.query<{ index: string; hash: Buffer }>({
    name: 'leaf-of-event',
    text: `SELECT (run.first + leaf.place - 1)::text AS index, substr(run.hashes, (leaf.place::int - 1) * 32 + 1, 32) AS hash
           FROM seal_leaves run CROSS JOIN LATERAL unnest(run.ids, run.times) WITH ORDINALITY AS leaf (id, at, place)
           WHERE run.high >= $2 AND run.low <= $2 AND leaf.id = $1 AND leaf.at = $2 LIMIT 1`,
    values: [id, time],
  });
  const [row] = rows;
  return row && { index: Number(row.index), hash: row.hash };
}

async function pathTo(trx: TenantTransaction, { size }: Head, index: number): Promise<Buffer[]> {
  try {
    return inclusionPath(await readTreeHashes(trx, size, index), index);
  } catch (error) {
    if (!(error instanceof MissingHashError)) throw error;
    throw new SealDifference('gap', `Of the tree ${error.message}.`);
  }
}
