// What an account of the ledger holds, now or at the end of a day: of one of the chart with all accounts below it (contract.md 42, 43).

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';

export interface AccountBalance {
  readonly accountId: string;
  readonly currency: Currency;
  /** Debits less credits. */
  readonly amountMinor: bigint;
}

/** Through this business date; absent = all there is. Accounts without entries have no balance. */
export async function readAccountBalances(
  { trx }: Session,
  accountIds: readonly string[],
  through = lastDay,
): Promise<AccountBalance[]> {
  if (accountIds.length === 0) return [];
  const rows = await trx.query<{ account_id: string; currency: Currency; amount: string }>({
    name: 'read-account-balances',
    text: `SELECT account_id, currency, sum(amount)::text AS amount FROM (
             SELECT account_id, currency, debit_minor - credit_minor AS amount FROM ledger_day
             WHERE account_id = ANY ($1::text[]) AND day <= $2
             UNION ALL
             SELECT entry.account_id, entry.currency, entry.amount_minor
             FROM ledger_account account JOIN ledger_entry entry USING (account_id)
             WHERE account.account_id = ANY ($1::text[]) AND account.sub LIKE 'Patient/%' AND entry.business_date <= $2
           ) AS moved GROUP BY account_id, currency ORDER BY account_id, currency`,
    values: [accountIds, through],
  });
  return rows.map(({ account_id: accountId, currency, amount }) => ({
    accountId,
    currency,
    amountMinor: BigInt(amount),
  }));
}

const lastDay = '9999-12-31';

/** Of these Accounts the ones that are the ledger's. */
export async function ledgerAccountIds({ trx }: Session, accountIds: readonly string[]): Promise<Set<string>> {
  const rows = await trx.query<{ id: string }>({
    name: 'ledger-account-ids',
    text: 'SELECT account_id AS id FROM ledger_account WHERE account_id = ANY ($1::text[])',
    values: [accountIds],
  });
  return new Set(rows.map(({ id }) => id));
}
