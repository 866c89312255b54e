// Every account from its first entry to its last, and the sums that are kept beside the entries (I2, I3, I4).

import type { Session } from '../../../repository/session.ts';
import { type Sums, sumRows } from '../rollup-changes.ts';
import { LedgerDifference, type Progress, requireEqual } from './difference.ts';
import type { WalkedChain } from './walk-chain.ts';

const perStep = 5_000;

interface EntryRow {
  readonly account: string;
  readonly currency: string;
  readonly seq: string;
  readonly amount: string;
  readonly balance: string;
}

/** In the order of the accounts' own numbers, a part at a time, so that an account of any length can be walked. */
export async function checkAccounts({ trx }: Session, progress: Progress): Promise<void> {
  let last: EntryRow = { account: '', currency: '', seq: '0', amount: '0', balance: '0' };
  for (let done = 0; ; done += perStep) {
    const rows: EntryRow[] = await trx.query<EntryRow>({
      name: 'walk-entries',
      text: `SELECT account_id AS account, currency, account_seq::text AS seq, amount_minor::text AS amount,
               balance_after::text AS balance FROM ledger_entry
             WHERE (account_id, currency, account_seq) > ($1, $2, $3)
             ORDER BY account_id, currency, ledger_entry.account_seq LIMIT ${perStep}`,
      values: [last.account, last.currency, last.seq],
    });
    for (const row of rows) {
      checkEntry(row, row.account === last.account && row.currency === last.currency ? last : undefined);
      last = row;
    }
    if (rows.length < perStep) return;
    progress('entries', done + perStep);
  }
}

function checkEntry({ account, seq, amount, balance }: EntryRow, before: EntryRow | undefined): void {
  const expectedSeq = BigInt(before?.seq ?? 0) + 1n;
  if (BigInt(seq) !== expectedSeq) throw new LedgerDifference('I3', `Account/${account} has no entry ${expectedSeq}.`);
  const expected = BigInt(before?.balance ?? 0) + BigInt(amount);
  requireEqual('I4', `The balance of Account/${account} behind its entry ${seq}`, balance, expected);
}

/** The sums by day are those of the entries, and the trial balance is nothing. */
export async function checkRollups({ trx }: Session, { days, facts }: WalkedChain): Promise<void> {
  const [dayRows, factRows] = await Promise.all([
    trx.query<SumRow>({
      name: 'all-ledger-days',
      text: `SELECT json_build_array(account_id, currency, day)::text AS key, debit_minor::text AS debit,
               credit_minor::text AS credit FROM ledger_day`,
    }),
    trx.query<SumRow>({
      name: 'all-ledger-facts',
      text: `SELECT json_build_array(day, currency, number, practitioner, department, method, drawer)::text AS key,
               debit_minor::text AS debit, credit_minor::text AS credit FROM ledger_fact`,
    }),
  ]);
  compareSums('The sum of a day', dayRows, days);
  compareSums('A fact of a day', factRows, facts);
  await checkTrialBalance(trx);
}

interface SumRow {
  readonly key: string;
  readonly debit: string;
  readonly credit: string;
}

function compareSums(what: string, rows: readonly SumRow[], sums: Sums): void {
  const expected = new Map(sumRows(sums).map((row) => [JSON.stringify(row.slice(0, -2)), row.slice(-2).join(' and ')]));
  for (const { key, debit, credit } of rows) {
    const parts = JSON.stringify(JSON.parse(key));
    requireEqual('I4', `${what} ${parts}`, `${debit} and ${credit}`, expected.get(parts) ?? 'nothing');
    expected.delete(parts);
  }
  for (const [parts, sum] of expected) requireEqual('I4', `${what} ${parts}`, 'nothing', sum);
}

async function checkTrialBalance(trx: Session['trx']): Promise<void> {
  const rows = await trx.query<{ currency: string; sum: string }>({
    name: 'sum-of-balances',
    text: `SELECT day.currency, sum(day.debit_minor - day.credit_minor)::text AS sum
           FROM ledger_day day JOIN ledger_account account USING (account_id) WHERE account.sub = '' GROUP BY day.currency`,
  });
  for (const { currency, sum } of rows) requireEqual('I2', `The sum of all accounts in ${currency}`, sum, 0);
}
