// Heads leave the database's trust: the newest of each tenant, whole and signed, a line each, to wherever anchors are kept.

import type { Transaction } from '../../database/transaction.ts';
import type { AnchorTarget } from '../../gateways/anchor-target.ts';
import { anchorLine } from './anchor-lines.ts';
import type { Head } from './head.ts';
import { type HeadRow, toHead } from './head-rows.ts';

export interface Anchoring {
  /** To be anchored with the next flush, in place of an earlier one of its tenant. */
  add(head: Head): void;
  /** The last heads of all tenants: whoever sealed before may have died before it anchored them. */
  addLast(trx: Transaction): Promise<void>;
  /** Never rejects; what could not be anchored waits for the next. */
  flush(): Promise<void>;
  lagMs(): number;
}

export interface AnchoringOptions {
  readonly anchors: AnchorTarget;
  readonly now: () => Date;
  readonly onError: (error: unknown, what: string) => void;
}

export function createAnchoring({ anchors, now, onError }: AnchoringOptions): Anchoring {
  const waiting = new Map<number, Head>();
  let behindSinceMs: number | undefined;
  let flushedAtMs = Number.NEGATIVE_INFINITY;
  return {
    add: (head) => void waiting.set(head.tenantId, head),
    async addLast(trx) {
      for (const head of await readLastHeads(trx)) waiting.set(head.tenantId, head);
    },
    async flush() {
      if (waiting.size === 0 || now().getTime() - flushedAtMs < anchors.everyMs) return;
      const heads = [...waiting.values()];
      try {
        await anchors.append(heads.map(anchorLine));
      } catch (error) {
        if (behindSinceMs === undefined) {
          onError(error, 'The heads of AuditEvents could not be anchored; it is tried again.');
        }
        behindSinceMs ??= now().getTime();
        return;
      }
      flushedAtMs = now().getTime();
      behindSinceMs = undefined;
      waiting.clear();
    },
    lagMs: () => (behindSinceMs === undefined ? 0 : now().getTime() - behindSinceMs),
  };
}

async function readLastHeads(trx: Transaction): Promise<Head[]> {
  const rows = await trx.query<Omit<HeadRow, 'subtrees'> & { tenantId: number }>({
    text: `SELECT tenant.id AS "tenantId", head.* FROM tenant CROSS JOIN LATERAL (
             SELECT size::text AS size, root, prev_hash AS "prevHash", at, key, signature FROM seal_head
             WHERE tenant_id = tenant.id ORDER BY seal_head.size DESC LIMIT 1) AS head`,
  });
  return rows.map(({ tenantId, ...row }) => toHead(tenantId, row));
}
