// Which Account resource is which account of the ledger, with how far its entries have come (domain.md 3.1, contract.md 42).

import type { Session } from '../../repository/session.ts';
import type { AccountKey } from './journal.ts';

/** An account that an entry is to be made in, in one currency. */
export interface WantedAccount extends AccountKey {
  readonly currency: string;
}

export interface AccountState {
  readonly number: string;
  /** Empty for those of the chart. */
  readonly sub: string;
  readonly currency: string;
  readonly accountId: string;
  readonly controlId: string;
  /** Of its last entry; 0 before the first. */
  readonly seq: bigint;
  readonly balanceMinor: bigint;
}

export interface AccountRow {
  readonly accountId: string;
  readonly number: string;
  readonly sub: string;
  readonly controlId: string;
}

/**
 * Those that are there, by `stateKey`. Each account's last entry holds its balance, so that no row of it ever changes. OFFSET 0:
 * each is looked up, where the planner would read the accounts of all patients for the few it expects.
 */
export async function findAccounts(
  { trx }: Session,
  wanted: readonly WantedAccount[],
): Promise<Map<string, AccountState>> {
  const rows = await trx.query<StateRow>({
    name: 'find-ledger-accounts',
    text: `SELECT account.number, account.sub, wanted.currency, account.account_id, account.control_id,
             coalesce(last.account_seq, 0)::text AS seq, coalesce(last.balance_after, 0)::text AS balance
           FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted (number, sub, currency)
           CROSS JOIN LATERAL (
             SELECT * FROM ledger_account account WHERE account.number = wanted.number AND account.sub = wanted.sub OFFSET 0) AS account
           LEFT JOIN LATERAL (
             SELECT account_seq, balance_after FROM ledger_entry entry
             WHERE entry.account_id = account.account_id AND entry.currency = wanted.currency
             ORDER BY account_seq DESC LIMIT 1) AS last ON true`,
    values: [
      wanted.map(({ number }) => number),
      wanted.map(({ sub = '' }) => sub),
      wanted.map(({ currency }) => currency),
    ],
  });
  return new Map(rows.map((row) => [stateKey(row), stateOf(row)]));
}

/**
 * Those that these Invoices are posted to, with the accounts of the chart that they are below, and those that their deferred
 * revenue will be moved to, by `stateKey`.
 */
export async function findAccountsOfInvoices(
  { trx }: Session,
  invoices: readonly string[],
  currency: string,
): Promise<Map<string, AccountState>> {
  const rows = await trx.query<StateRow>({
    name: 'find-accounts-of-invoices',
    text: `WITH posted AS MATERIALIZED (
             SELECT account_id, control_id, revenue FROM ledger_entry WHERE invoice_id = ANY ($1::text[]) AND invoice_id <> '')
           SELECT account.number, account.sub, $2::text AS currency, account.account_id, account.control_id,
             coalesce(last.account_seq, 0)::text AS seq, coalesce(last.balance_after, 0)::text AS balance
           FROM (SELECT account_id FROM posted UNION SELECT control_id FROM posted
                 UNION SELECT named.account_id FROM posted JOIN ledger_account named ON named.number = revenue AND named.sub = '')
             AS used
           CROSS JOIN LATERAL (SELECT * FROM ledger_account account WHERE account.account_id = used.account_id OFFSET 0) AS account
           LEFT JOIN LATERAL (
             SELECT account_seq, balance_after FROM ledger_entry entry
             WHERE entry.account_id = account.account_id AND entry.currency = $2::text
             ORDER BY account_seq DESC LIMIT 1) AS last ON true`,
    values: [invoices, currency],
  });
  return new Map(rows.map((row) => [stateKey(row), stateOf(row)]));
}

interface StateRow {
  readonly number: string;
  readonly sub: string;
  readonly currency: string;
  readonly account_id: string;
  readonly control_id: string;
  readonly seq: string;
  readonly balance: string;
}

function stateOf(row: StateRow): AccountState {
  const { number, sub, currency, account_id: accountId, control_id: controlId } = row;
  return { number, sub, currency, accountId, controlId, seq: BigInt(row.seq), balanceMinor: BigInt(row.balance) };
}

export function stateKey({ number, sub = '', currency }: WantedAccount): string {
  return `${number}/${sub}/${currency}`;
}

/** A number that is taken is left to whoever has it, or the constraint refuses it. */
export function insertAccountRows({ trx }: Session, rows: readonly AccountRow[]): void {
  trx.execute({
    name: 'insert-ledger-accounts',
    text: `INSERT INTO ledger_account (account_id, number, sub, control_id)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
           ON CONFLICT (tenant_id, account_id) DO NOTHING`,
    values: [
      rows.map(({ accountId }) => accountId),
      rows.map(({ number }) => number),
      rows.map(({ sub }) => sub),
      rows.map(({ controlId }) => controlId),
    ],
  });
}
