// A tenant's money moves one transaction at a time, so no two of them can wait for each other.

import type { Session } from '../../repository/session.ts';

/** Until the end of the transaction. Comes before whatever is outstanding, unapplied, numbered or posted is read, and before locks of bookings. */
export function lockMoney({ trx }: Session): void {
  trx.execute({
    name: 'lock-money',
    text: "SELECT pg_advisory_xact_lock(hashtextextended('money ' || $1::text, 0))",
    values: [String(trx.tenantId)],
  });
}
