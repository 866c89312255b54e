// What a drawer has taken in and paid out in a day, by method of payment: what its settlement expects (contract.md 44, domain.md I12).

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';

export interface DrawerDay {
  /** `Location/x` as in the postings' facts; undefined = those that named none. */
  readonly drawer: string | undefined;
  /** `YYYY-MM-DD`. */
  readonly businessDate: string;
  readonly currency: Currency;
}

/**
 * By method, what came in less what went out, of money accounts only; settlements' own postings are not counted. Cash that goes
 * between a drawer and the bank is in both, and counts where the drawer is.
 */
export async function readDrawerDay({ trx }: Session, day: DrawerDay): Promise<Map<string, bigint>> {
  const { drawer = '', businessDate, currency } = day;
  const rows = await trx.query<{ method: string; amount: string }>({
    name: 'read-drawer-day',
    text: `SELECT method, sum(debit_minor - credit_minor)::text AS amount FROM ledger_fact
           WHERE day = $1 AND currency = $2 AND drawer = $3 AND number < '1100'
             AND (method <> 'CASH' OR number = '1010') GROUP BY method ORDER BY method`,
    values: [businessDate, currency, drawer],
  });
  return new Map(rows.map(({ method, amount }) => [method, BigInt(amount)]));
}
