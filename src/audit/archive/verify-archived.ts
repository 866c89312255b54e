// What `npm run audit:verify` makes of archived months: their rows are not here, there must not be fewer than were archived, and that
// they were is signed.

import type { TenantTransaction } from '../../database/tenant-transaction.ts';
import type { IsArchived } from '../seal/verify/check-rows.ts';
import { SealDifference } from '../seal/verify/difference.ts';
import { monthOf } from './months.ts';
import { doubtOf, type SignedShare } from './signed-share.ts';

export interface ArchivedRows {
  /** True for rows that may be in a file; counts them. */
  readonly isArchived: IsArchived;
  /** Throws where more are missing of a month than were archived, or nobody vouches for what is said of it. */
  requireNoMore(): void;
}

/** Of the transaction's tenant. Without a `key` whoever the archive names may have signed it. */
export async function readArchivedRows(trx: TenantTransaction, key: string | undefined): Promise<ArchivedRows> {
  const shares = await trx.query<Omit<SignedShare, 'rows' | 'tenantId'> & { readonly rows: string }>({
    name: 'archived-events',
    text: `SELECT table_name AS "table", to_char(month, 'YYYY-MM') AS month, part, rows::text AS rows, sha256, key, signature
           FROM archive WHERE table_name = 'audit_event'`,
  });
  const archived = new Map<string, number>();
  const doubts = new Map<string, string>();
  for (const { rows, ...share } of shares) {
    const { month } = share;
    const doubt = doubtOf({ ...share, tenantId: trx.tenantId, rows: Number(rows) }, key);
    archived.set(month, (archived.get(month) ?? 0) + Number(rows));
    if (doubt !== undefined) doubts.set(month, doubt);
  }
  const missing = new Map<string, number>();
  return {
    isArchived(lastUpdated) {
      const month = monthOf(lastUpdated);
      if (!archived.has(month)) return false;
      missing.set(month, (missing.get(month) ?? 0) + 1);
      return true;
    },
    requireNoMore() {
      for (const [month, count] of missing) {
        const doubt = doubts.get(month);
        if (doubt !== undefined) throw new SealDifference('archive', doubt);
        const known = archived.get(month) ?? 0;
        if (count <= known) continue;
        throw new SealDifference(
          'deleted',
          `Of ${month} ${count} AuditEvents are not there, and ${known} of them were archived.`,
        );
      }
    },
  };
}
