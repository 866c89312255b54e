// What `npm run audit:verify` makes of archived months: their rows are not here, and there must not be fewer than were archived.

import type { Transaction } from '../../database/transaction.ts';
import type { IsArchived } from '../seal/verify/check-rows.ts';
import { SealDifference } from '../seal/verify/difference.ts';
import { monthOf } from './months.ts';

export interface ArchivedRows {
  /** True for rows that may be in a file; counts them. */
  readonly isArchived: IsArchived;
  /** Throws where more are missing of a month than were archived. */
  requireNoMore(): void;
}

/** Of the transaction's tenant. */
export async function readArchivedRows(trx: Transaction): Promise<ArchivedRows> {
  const rows = await trx.query<{ month: string; rows: string }>({
    name: 'archived-events',
    text: `SELECT to_char(month, 'YYYY-MM') AS month, sum(rows)::text AS rows FROM archive
           WHERE table_name = 'audit_event' GROUP BY 1`,
  });
  const archived = new Map(rows.map(({ month, rows: count }) => [month, Number(count)]));
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
