// What is kept of patients' credits is what the entries on 2100 come to, and none is used beyond what it was (I8).

import type { Session } from '../../../repository/session.ts';
import { LedgerDifference, type Progress, requireEqual } from './difference.ts';

const accountsPerStep = 500;

interface CreditRow {
  readonly key: string;
  readonly amount: string;
}

export async function checkCredits(session: Session, progress: Progress): Promise<void> {
  let done = 0;
  for (let last = ''; ; ) {
    const accounts = await nextAccounts(session, last);
    const [summed, kept] = await Promise.all([sumEntries(session, accounts), readKept(session, accounts)]);
    compare(summed, kept);
    done += accounts.length;
    last = accounts.at(-1)?.id ?? last;
    if (accounts.length < accountsPerStep) return;
    progress('credits', done);
  }
}

interface CreditAccount {
  readonly id: string;
  readonly sub: string;
}

async function nextAccounts({ trx }: Session, last: string): Promise<CreditAccount[]> {
  return await trx.query<CreditAccount>({
    name: 'next-credit-accounts',
    text: `SELECT account_id AS id, sub FROM ledger_account WHERE number = '2100' AND account_id > $1
           ORDER BY account_id LIMIT ${accountsPerStep}`,
    values: [last],
  });
}

async function sumEntries({ trx }: Session, accounts: readonly CreditAccount[]): Promise<CreditRow[]> {
  return await trx.query<CreditRow>({
    name: 'sum-credit-entries',
    text: `SELECT concat_ws(' ', entry.credit, entry.currency, account.sub) AS key, (-sum(entry.amount_minor))::text AS amount
           FROM ledger_account account JOIN ledger_entry entry USING (account_id)
           WHERE account.account_id = ANY ($1::text[]) GROUP BY entry.credit, entry.currency, account.sub`,
    values: [accounts.map(({ id }) => id)],
  });
}

async function readKept({ trx }: Session, accounts: readonly CreditAccount[]): Promise<CreditRow[]> {
  return await trx.query<CreditRow>({
    name: 'kept-credits',
    text: `SELECT concat_ws(' ', source, currency, patient) AS key, amount_minor::text AS amount
           FROM ledger_credit WHERE patient = ANY ($1::text[])`,
    values: [accounts.map(({ sub }) => sub)],
  });
}

function compare(summed: readonly CreditRow[], kept: readonly CreditRow[]): void {
  const amounts = new Map(kept.map(({ key, amount }) => [key, amount]));
  for (const { key, amount } of summed) {
    requireEqual('I8', `What is left of the credit ${key}`, amounts.get(key) ?? 'not kept', amount);
    if (BigInt(amount) < 0n) throw new LedgerDifference('I8', `The credit ${key} is used beyond what it was.`);
    amounts.delete(key);
  }
  for (const [key, amount] of amounts) requireEqual('I8', `What is left of the credit ${key}`, amount, 'nothing');
}
