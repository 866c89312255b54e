// Whoever names a Patient in what is still to be done, and whoever merges that Patient away, come one after the other.

import type { Session } from '../../repository/session.ts';

const key = "hashtextextended('naming ' || $1::text || ' ' || patient, 0)";

/** Until the end of the transaction. Comes before it is asked whether they were merged; any number of writers at once. */
export function shareNaming({ trx }: Session, patientIds: readonly string[]): void {
  trx.execute({
    name: 'share-naming',
    text: `SELECT pg_advisory_xact_lock_shared(${key}) FROM unnest($2::text[]) AS named (patient)`,
    values: [String(trx.tenantId), [...patientIds].sort()],
  });
}

/** Waits for those who name the Patient, so that what they write is seen; who comes later sees the merge. */
export function lockNaming({ trx }: Session, patientId: string): void {
  trx.execute({
    name: 'lock-naming',
    text: `SELECT pg_advisory_xact_lock(${key}) FROM (SELECT $2::text) AS named (patient)`,
    values: [String(trx.tenantId), patientId],
  });
}
