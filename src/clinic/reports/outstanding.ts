// What is outstanding on Invoices, by how long ago they were issued.

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import { type Bucket, bucketOf, buckets, bucketTests } from './buckets.ts';

export interface Debt {
  readonly currency: Currency;
  readonly bucket: Bucket;
  readonly amountMinor: bigint;
}

/** What one person owes, by the ids of the Patients who are that person. */
export async function readDebts({ trx }: Session, today: string, patientIds: readonly string[]): Promise<Debt[]> {
  const rows = await trx.query<{ currency: Currency; day: string; amount: string }>({
    name: 'read-debts',
    text: `SELECT invoice.currency, fact.issued_on::text AS day, sum(invoice.outstanding_minor)::text AS amount
           FROM ledger_invoice invoice JOIN invoice_fact fact USING (invoice_id)
           WHERE invoice.outstanding_minor <> 0 AND fact.issued_on IS NOT NULL AND fact.patient_id = ANY ($1::text[])
           GROUP BY 1, 2 ORDER BY 1, 2`,
    values: [patientIds],
  });
  return rows.map(({ currency, day, amount }) => {
    return { currency, bucket: bucketOf(day, today), amountMinor: BigInt(amount) };
  });
}

/** What is owed in one currency, by all or by one. */
export interface Aged {
  readonly currency: Currency;
  readonly totalMinor: bigint;
  readonly byBucketMinor: ReadonlyMap<Bucket, bigint>;
}

export interface AgedPatient extends Aged {
  /** Empty where an Invoice names nobody. */
  readonly patientId: string;
}

/** In the order of the currencies. */
export async function readAging({ trx }: Session, today: string): Promise<Aged[]> {
  const rows = await trx.query<AgedRow>({
    name: 'aging',
    text: `SELECT currency, ${sums} FROM (${open}) AS debt GROUP BY currency ORDER BY currency`,
    values: [today],
  });
  return rows.map(agedOf);
}

/** Those who owe most first. */
export async function readDebtors(
  { trx }: Session,
  today: string,
  { currency, countMost }: { readonly currency: Currency; readonly countMost: number },
): Promise<AgedPatient[]> {
  const rows = await trx.query<AgedRow & { patient: string }>({
    name: 'debtors',
    text: `SELECT patient, currency, ${sums} FROM (${open}) AS debt WHERE currency = $2
           GROUP BY patient, currency ORDER BY sum(amount) DESC, patient LIMIT $3`,
    values: [today, currency, countMost],
  });
  return rows.map((row) => ({ ...agedOf(row), patientId: row.patient }));
}

interface AgedRow {
  readonly currency: Currency;
  readonly total: string;
  /** In the order of the buckets. */
  readonly parts: readonly (string | null)[];
}

function agedOf({ currency, total, parts }: AgedRow): Aged {
  return {
    currency,
    totalMinor: BigInt(total),
    byBucketMinor: new Map(buckets.map((bucket, index) => [bucket, BigInt(parts[index] ?? 0)])),
  };
}

/** An Invoice is `issued` as long as something of it is outstanding (domain.md I7): both indexes hold these alone. */
const open = `SELECT coalesce(fact.patient_id, '') AS patient, invoice.currency, invoice.outstanding_minor AS amount,
    $1::date - fact.issued_on AS days
  FROM ledger_invoice invoice JOIN invoice_fact fact USING (invoice_id)
  WHERE invoice.outstanding_minor <> 0 AND fact.status = 'issued' AND fact.issued_on IS NOT NULL`;

const parts = bucketTests('days').map((test) => `(sum(amount) FILTER (WHERE ${test}))::text`);
const sums = `sum(amount)::text AS total, ARRAY[${parts.join(', ')}] AS parts`;
