// Rows against their leaves: the first that differs is named, and whether it was edited, deleted or swapped with another.

import { type AuditRow, leafHash } from '../leaf.ts';
import { eventName, SealDifference } from './difference.ts';
import type { StoredLeaf } from './tree-rows.ts';

export type CheckRow = (leaf: StoredLeaf) => void;

/** True for rows of a month that is kept elsewhere, detached. */
export type IsArchived = (lastUpdated: Date) => boolean;

export interface RowCheck {
  /** Undefined as long as all were as they were sealed. */
  difference(): SealDifference | undefined;
  readonly check: CheckRow;
  archivedCount(): number;
}

/** Behind the first one that differs others are looked at for its content; of more than these nobody asks. */
const changedMax = 2_000;

export function createRowCheck(tenantId: number, isArchived: IsArchived): RowCheck {
  const changed: (StoredLeaf & AuditRow)[] = [];
  let first: StoredLeaf | undefined;
  let archived = 0;
  return {
    check(leaf) {
      const { content } = leaf;
      if (content === null && isArchived(leaf.lastUpdated)) {
        archived += 1;
        return;
      }
      if (content !== null && leafHash(tenantId, { ...leaf, content }).equals(leaf.hash)) return;
      first ??= leaf;
      if (content !== null && changed.length < changedMax) changed.push({ ...leaf, content });
    },
    archivedCount: () => archived,
    difference() {
      if (!first) return undefined;
      const name = `${eventName(first.id, first.lastUpdated)} (event ${first.index + 1})`;
      if (first.content === null) return new SealDifference('deleted', `${name} was sealed and is not there.`);
      const partner = partnerOf(tenantId, first, changed);
      if (!partner) return new SealDifference('edited', `${name} is not as it was sealed.`);
      return new SealDifference('swapped', `${name} has the content of ${eventName(partner.id, partner.lastUpdated)}.`);
    },
  };
}

function partnerOf(
  tenantId: number,
  leaf: StoredLeaf,
  changed: readonly (StoredLeaf & AuditRow)[],
): StoredLeaf | undefined {
  return changed.find(
    ({ index, content }) => index !== leaf.index && leafHash(tenantId, { ...leaf, content }).equals(leaf.hash),
  );
}
