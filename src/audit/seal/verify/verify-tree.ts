// A tenant's whole proof: every row against its leaf, the tree against its heads, and the heads against the anchors outside.

import type { TenantTransaction } from '../../../database/tenant-transaction.ts';
import { readArchivedRows } from '../../archive/verify-archived.ts';
import type { Head } from '../head.ts';
import { checkAnchors, type Milestone, milestonesOf, requireReached } from './check-anchors.ts';
import { checkLastHead } from './check-heads.ts';
import { createRowCheck, type IsArchived } from './check-rows.ts';
import type { SealProgress } from './difference.ts';
import { findStrangers } from './find-strangers.ts';
import { walkTree } from './walk-tree.ts';

export interface VerifyTreeOptions {
  /** Whose signatures count; where the installation has made no key, nobody's. */
  readonly key: string;
  /** Of the tenant, in their order; undefined where none are kept or asked for. */
  readonly anchors: readonly Head[] | undefined;
  /** Only what came behind this, whose root is checked. */
  readonly since?: Milestone | undefined;
  /** Absent: by what the database knows of its archives. */
  readonly isArchived?: IsArchived;
  readonly progress?: SealProgress;
  readonly now: Date;
}

export interface VerifiedTree {
  /** Undefined where nothing was sealed yet. */
  readonly head: Head | undefined;
  /** Events whose leaves, and rows where they are here, were checked. */
  readonly checked: number;
  readonly heads: number;
  /** Of these, events in months that are kept elsewhere: their rows were not checked. */
  readonly archived: number;
  /** Events that are too young to be sealed. */
  readonly waiting: number;
  readonly anchored: Head | undefined;
}

/** Throws a `SealDifference` at the first one. All of it sees one moment when the transaction does. */
export async function verifyTree(trx: TenantTransaction, options: VerifyTreeOptions): Promise<VerifiedTree> {
  const archived = await readArchivedRows(trx, options.key);
  const { key, since, now, progress, isArchived = archived.isArchived } = options;
  // Whoever goes on from an anchor has dealt with those before it.
  const anchors = since ? options.anchors?.slice(-1) : options.anchors;
  const milestones = [...(since ? [since] : []), ...milestonesOf(anchors ?? [], key)];
  const last = await checkLastHead(trx, trx.tenantId, key);
  if (since) requireReached(since, last);
  const rows = createRowCheck(trx.tenantId, isArchived);
  const walked = await walkTree(trx, { rows, last, milestones, since: since?.size ?? 0, progress });
  archived.requireNoMore();
  const waiting = await findStrangers(trx, now, since ? (walked.low ?? now) : undefined);
  const anchored = anchors && checkAnchors(anchors, last, now);
  return {
    head: last,
    checked: walked.checked,
    heads: walked.heads,
    archived: rows.archivedCount(),
    waiting,
    anchored,
  };
}
