// What is outstanding on Invoices, by how long ago they were issued.

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import { type Bucket, bucketOf } from './buckets.ts';

export interface Debt {
  readonly patientId: string;
  readonly currency: Currency;
  readonly bucket: Bucket;
  readonly amountMinor: bigint;
}

/** Of one patient, or of all. */
export async function readDebts({ trx }: Session, today: string, patientId: string | undefined): Promise<Debt[]> {
  const rows = await trx.query<{ patient: string; currency: Currency; day: string; amount: string }>({
    name: patientId === undefined ? 'read-debts' : 'read-debts-of-patient',
    text: `SELECT coalesce(fact.patient_id, '') AS patient, invoice.currency, fact.issued_on::text AS day,
             sum(invoice.outstanding_minor)::text AS amount
           FROM ledger_invoice invoice JOIN invoice_fact fact USING (invoice_id)
           WHERE invoice.outstanding_minor <> 0 AND fact.issued_on IS NOT NULL
             ${patientId === undefined ? '' : 'AND fact.patient_id = $1'}
           GROUP BY 1, 2, 3`,
    values: patientId === undefined ? [] : [patientId],
  });
  const sums = new Map<string, Debt>();
  for (const { patient, currency, day, amount } of rows) {
    const bucket = bucketOf(day, today);
    const key = `${patient} ${currency} ${bucket}`;
    const amountMinor = (sums.get(key)?.amountMinor ?? 0n) + BigInt(amount);
    sums.set(key, { patientId: patient, currency, bucket, amountMinor });
  }
  return [...sums.values()];
}
