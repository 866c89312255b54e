// Money of patients that no Invoice has used yet, by the payment or credit note it comes from (contract.md 29, 34, 35).

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';

export interface Credit {
  /** `Patient/x`. */
  readonly patient: string | undefined;
  /** `PaymentReconciliation/x` or `Invoice/x` (a credit note). */
  readonly source: string;
  readonly currency: Currency;
  /** What is left of it. */
  readonly amountMinor: bigint;
}

/** `patients` as `Patient/x`, or `sources` as in `Credit`. */
export type CreditsOf = { readonly patients: readonly string[] } | { readonly sources: readonly string[] };

/** Those with something left, oldest first: by the business date they were made at, then in the order of posting. */
export async function readCredits({ trx }: Session, of: CreditsOf): Promise<Credit[]> {
  const isBySource = 'sources' in of;
  const rows = await trx.query<CreditRow>({
    name: isBySource ? 'read-credits-of-sources' : 'read-credits-of-patients',
    text: `SELECT patient, source, currency, amount_minor::text AS amount FROM ledger_credit
           WHERE ${isBySource ? 'source' : 'patient'} = ANY ($1::text[]) AND amount_minor <> 0
           ORDER BY opened_on, opened_seq, source`,
    values: [isBySource ? of.sources : of.patients],
  });
  return rows.map(({ patient, source, currency, amount }) => ({
    patient: patient === '' ? undefined : patient,
    source,
    currency,
    amountMinor: BigInt(amount),
  }));
}

interface CreditRow {
  readonly patient: string;
  readonly source: string;
  readonly currency: Currency;
  readonly amount: string;
}
