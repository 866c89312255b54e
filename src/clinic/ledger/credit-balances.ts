// Money of patients that no Invoice has used yet, by the payment or credit note it comes from (contract.md 29, 34, 35).

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import { samePersons } from './same-person.ts';

export interface Credit {
  /** `Patient/x` who may use it: the one that was asked for. */
  readonly patient: string | undefined;
  /** `Patient/x` in whose account on 2100 it is: another one where they were merged. */
  readonly heldFor: string | undefined;
  /** `PaymentReconciliation/x` or `Invoice/x` (a credit note). */
  readonly source: string;
  readonly currency: Currency;
  /** What is left of it. */
  readonly amountMinor: bigint;
}

/** `patients` as `Patient/x`, or `sources` as in `Credit`. */
export type CreditsOf = { readonly patients: readonly string[] } | { readonly sources: readonly string[] };

/**
 * Those with something left, oldest first: by the business date they were made at, then in the order of posting. A patient has
 * those of all who are the same person.
 */
export async function readCredits({ trx }: Session, of: CreditsOf): Promise<Credit[]> {
  const isBySource = 'sources' in of;
  const rows = await trx.query<CreditRow>({
    name: isBySource ? 'read-credits-of-sources' : 'read-credits-of-patients',
    text: isBySource ? ofSources : ofPatients,
    values: [isBySource ? of.sources : of.patients],
  });
  return rows.map(({ patient, held_for: heldFor, source, currency, amount }) => ({
    patient: patient === '' ? undefined : patient,
    heldFor: heldFor === '' ? undefined : heldFor,
    source,
    currency,
    amountMinor: BigInt(amount),
  }));
}

const left = 'source, currency, amount_minor::text AS amount';
const oldestFirst = 'ORDER BY opened_on, opened_seq, source';

const ofSources = `SELECT patient, patient AS held_for, ${left} FROM ledger_credit
  WHERE source = ANY ($1::text[]) AND amount_minor <> 0 ${oldestFirst}`;

/** OFFSET 0: each patient's are looked up. */
const ofPatients = `WITH RECURSIVE ${samePersons}
  SELECT person.asked AS patient, person.patient AS held_for, ${left} FROM person
  CROSS JOIN LATERAL (
    SELECT * FROM ledger_credit credit WHERE credit.patient = person.patient AND amount_minor <> 0 OFFSET 0) AS credit
  ${oldestFirst}`;

interface CreditRow {
  readonly patient: string;
  readonly held_for: string;
  readonly source: string;
  readonly currency: Currency;
  readonly amount: string;
}
