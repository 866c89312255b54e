// Which Invoices a payment has settled and a refund has reopened, with the receipts that were given for it (contract.md 34 to 36, 39).

import type { Session } from '../../repository/session.ts';

export interface AllocationRow {
  readonly paymentId: string;
  readonly invoiceId: string;
  /** Of a payment what is left of it after refunds, of a refund what it reopens. */
  readonly amountMinor: bigint;
  /** Id of the PaymentNotice; none for credit that was applied later. */
  readonly receiptId: string | undefined;
}

/** The caller holds `lockMoney`, as all who write them do. */
export async function readAllocations({ trx }: Session, paymentIds: readonly string[]): Promise<AllocationRow[]> {
  if (paymentIds.length === 0) return [];
  const rows = await trx.query<Stored>({
    name: 'read-payment-allocations',
    text: `SELECT payment_id, invoice_id, amount_minor::text, receipt_id FROM payment_allocation
           WHERE payment_id = ANY($1::text[]) ORDER BY payment_id, invoice_id`,
    values: [paymentIds],
  });
  return rows.map((row) => ({
    paymentId: row.payment_id,
    invoiceId: row.invoice_id,
    amountMinor: BigInt(row.amount_minor),
    receiptId: row.receipt_id ?? undefined,
  }));
}

interface Stored {
  readonly payment_id: string;
  readonly invoice_id: string;
  readonly amount_minor: string;
  readonly receipt_id: string | null;
}

/** Adds to what is there. Each pair of payment and Invoice at most once. */
export function addAllocations({ trx }: Session, rows: readonly AllocationRow[]): void {
  if (rows.length === 0) return;
  trx.execute({
    name: 'add-payment-allocations',
    text: `INSERT INTO payment_allocation (payment_id, invoice_id, amount_minor, receipt_id)
           SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
           ON CONFLICT (tenant_id, payment_id, invoice_id) DO UPDATE
             SET amount_minor = payment_allocation.amount_minor + excluded.amount_minor,
               receipt_id = coalesce(payment_allocation.receipt_id, excluded.receipt_id)`,
    values: [
      rows.map((row) => row.paymentId),
      rows.map((row) => row.invoiceId),
      rows.map((row) => String(row.amountMinor)),
      rows.map((row) => row.receiptId ?? null),
    ],
  });
}

/** Takes from what is there. Each pair of payment and Invoice at most once. */
export function reduceAllocations({ trx }: Session, rows: readonly Omit<AllocationRow, 'receiptId'>[]): void {
  if (rows.length === 0) return;
  trx.execute({
    name: 'reduce-payment-allocations',
    text: `UPDATE payment_allocation SET amount_minor = payment_allocation.amount_minor - taken.amount
           FROM unnest($1::text[], $2::text[], $3::bigint[]) AS taken (payment_id, invoice_id, amount)
           WHERE payment_allocation.payment_id = taken.payment_id AND payment_allocation.invoice_id = taken.invoice_id`,
    values: [
      rows.map((row) => row.paymentId),
      rows.map((row) => row.invoiceId),
      rows.map((row) => String(row.amountMinor)),
    ],
  });
}
