// The movements of a patient's account: what was charged, paid, credited and given back (domain.md `$statement`).

import type { Currency } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';

export interface StatementPeriod {
  /** `YYYY-MM-DD`, both inclusive. */
  readonly start: string;
  readonly end: string;
}

export interface StatementLine {
  readonly day: string;
  /** Of the ledger, such as CHARGE. */
  readonly type: string;
  /** `Invoice/x`, `PaymentReconciliation/x` */
  readonly source: string;
  readonly currency: Currency;
  /** What the patient owes more, or less. */
  readonly amountMinor: bigint;
}

export interface Movements {
  readonly openingMinor: ReadonlyMap<Currency, bigint>;
  readonly lines: readonly StatementLine[];
}

const linesMax = 1_000;

/** What is owed and what is held as credit together: moving credit to an Invoice is no movement. */
const ofPatient = `ledger_account account JOIN ledger_entry entry USING (account_id)
  WHERE account.sub = ANY ($1::text[]) AND account.number IN ('1200', '2100')`;

/** Of the Patients, as `Patient/x`, who are one person. Throws 400 too-costly for more movements than a statement has. */
export async function readMovements(
  { trx }: Session,
  patients: readonly string[],
  { start, end }: StatementPeriod,
): Promise<Movements> {
  const [opening, rows] = await Promise.all([
    trx.query<{ currency: Currency; amount: string }>({
      name: 'statement-opening',
      text: `SELECT entry.currency, sum(entry.amount_minor)::text AS amount FROM ${ofPatient} AND entry.business_date < $2
             GROUP BY entry.currency`,
      values: [patients, start],
    }),
    trx.query<{ day: string; type: string; source: string; currency: Currency; amount: string }>({
      name: 'statement-lines',
      text: `SELECT journal.business_date::text AS day, journal.type, moved.currency, moved.amount::text AS amount,
               journal.source_type || '/' || journal.source_id AS source
             FROM (SELECT entry.transaction_id, entry.seq, entry.currency, sum(entry.amount_minor) AS amount
                   FROM ${ofPatient} AND entry.business_date BETWEEN $2 AND $3
                   GROUP BY entry.transaction_id, entry.seq, entry.currency HAVING sum(entry.amount_minor) <> 0) AS moved
             JOIN ledger_transaction journal ON journal.id = moved.transaction_id
             ORDER BY journal.business_date, journal.seq LIMIT ${linesMax + 1}`,
      values: [patients, start, end],
    }),
  ]);
  if (rows.length > linesMax) throw fhirError('too-costly', `A statement has at most ${linesMax} lines; ask for less.`);
  return {
    openingMinor: new Map(opening.map(({ currency, amount }) => [currency, BigInt(amount)])),
    lines: rows.map(({ amount, ...row }) => ({ ...row, amountMinor: BigInt(amount) })),
  };
}
