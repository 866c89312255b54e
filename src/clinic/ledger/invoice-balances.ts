// What the ledger says of Invoices: kept as rows with every posting, equal to the entries (domain.md 3.5 I6, contract.md 29).

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';

export interface InvoiceBalance {
  readonly currency: Currency;
  /** Of its charge: `cash` where its revenue waits on 2400 for payments. A change of the setting is for later charges. */
  readonly basis: 'cash' | 'accrual';
  /** `Patient/x` in whose account it was charged, whoever the Invoice names since a merge; absent where nobody's. */
  readonly chargedTo?: string | undefined;
  /** What was charged; 0 after the charge was reversed. */
  readonly grossMinor: bigint;
  /** The sum of its entries on 1200 and 1210. */
  readonly outstandingMinor: bigint;
  /** What payments and credits have settled of it, less refunds and voids. */
  readonly paidMinor: bigint;
  /** What credit notes have lowered the outstanding by. */
  readonly creditedMinor: bigint;
  readonly writtenOffMinor: bigint;
  /** On 2400, by the number of the revenue account it will be moved to; credits positive. */
  readonly deferredMinor: ReadonlyMap<string, bigint>;
  /** On 4000 to 4110, by number; credits positive. */
  readonly recognisedMinor: ReadonlyMap<string, bigint>;
  /** On 2200, by tax code; credits positive. */
  readonly taxMinor: ReadonlyMap<string, bigint>;
}

/** By Invoice id; one that was never charged is not there. */
export async function readInvoiceBalances(
  { trx }: Session,
  invoiceIds: readonly string[],
): Promise<Map<string, InvoiceBalance>> {
  if (invoiceIds.length === 0) return new Map();
  const [rows, parts] = await Promise.all([
    trx.query<BalanceRow>({
      name: 'read-invoice-balances',
      text: `SELECT invoice_id, currency, basis, gross_minor::text AS gross, outstanding_minor::text AS outstanding,
               paid_minor::text AS paid, credited_minor::text AS credited, written_off_minor::text AS written_off,
               (SELECT first.party FROM (
                  SELECT entry.party, entry.seq FROM ledger_entry entry
                  WHERE entry.invoice_id = ledger_invoice.invoice_id AND entry.invoice_id <> '' AND entry.party <> '' OFFSET 0) AS first
                ORDER BY first.seq LIMIT 1) AS charged_to
             FROM ledger_invoice WHERE invoice_id = ANY ($1::text[])`,
      values: [invoiceIds],
    }),
    trx.query<PartRow>({
      name: 'read-invoice-parts',
      text: `SELECT invoice_id, kind, code, amount_minor::text AS amount FROM ledger_invoice_part
             WHERE invoice_id = ANY ($1::text[]) AND amount_minor <> 0 ORDER BY invoice_id, kind, code`,
      values: [invoiceIds],
    }),
  ]);
  const byInvoice = Map.groupBy(parts, (part) => part.invoice_id);
  return new Map(rows.map((row) => [row.invoice_id, balanceOf(row, byInvoice.get(row.invoice_id) ?? [])]));
}

interface BalanceRow {
  readonly invoice_id: string;
  readonly currency: Currency;
  readonly basis: InvoiceBalance['basis'];
  readonly gross: string;
  readonly outstanding: string;
  readonly paid: string;
  readonly credited: string;
  readonly written_off: string;
  readonly charged_to: string | null;
}

interface PartRow {
  readonly invoice_id: string;
  readonly kind: 'deferred' | 'recognised' | 'tax';
  readonly code: string;
  readonly amount: string;
}

function balanceOf(row: BalanceRow, parts: readonly PartRow[]): InvoiceBalance {
  const ofKind = (kind: PartRow['kind']) =>
    new Map(parts.filter((part) => part.kind === kind).map(({ code, amount }) => [code, BigInt(amount)]));
  return {
    currency: row.currency,
    basis: row.basis,
    chargedTo: row.charged_to ?? undefined,
    grossMinor: BigInt(row.gross),
    outstandingMinor: BigInt(row.outstanding),
    paidMinor: BigInt(row.paid),
    creditedMinor: BigInt(row.credited),
    writtenOffMinor: BigInt(row.written_off),
    deferredMinor: ofKind('deferred'),
    recognisedMinor: ofKind('recognised'),
    taxMinor: ofKind('tax'),
  };
}
