// What is kept of Invoices and credits is what their entries come to (I6, I8, I11, I14).

import type { Session } from '../../../repository/session.ts';
import { type InvoiceBalance, readInvoiceBalances } from '../invoice-balances.ts';
import { addLine, type InvoiceAmounts, noAmounts } from '../invoice-changes.ts';
import type { LedgerType } from '../journal.ts';
import { LedgerDifference, type Progress, requireEqual } from './difference.ts';

const perStep = 500;

export async function checkInvoices(session: Session, progress: Progress): Promise<void> {
  let done = 0;
  for (let last = ''; ; ) {
    const ids = await nextInvoices(session, last);
    const [amounts, balances] = await Promise.all([sumEntries(session, ids), readInvoiceBalances(session, ids)]);
    for (const id of ids) compare(id, balances.get(id), amounts.get(id) ?? noAmounts());
    done += ids.length;
    last = ids.at(-1) ?? last;
    if (ids.length < perStep) break;
    progress('invoices', done);
  }
  await checkCount(session, done);
}

/** Those that entries are about. */
async function nextInvoices({ trx }: Session, last: string): Promise<string[]> {
  const rows = await trx.query<{ id: string }>({
    name: 'next-charged-invoices',
    text: `SELECT DISTINCT invoice_id AS id FROM ledger_entry WHERE invoice_id > $1 AND invoice_id <> ''
           ORDER BY invoice_id LIMIT ${perStep}`,
    values: [last],
  });
  return rows.map(({ id }) => id);
}

interface SummedRow {
  readonly invoice: string;
  readonly number: string;
  readonly sub: string;
  readonly revenue: string;
  readonly type: LedgerType;
  readonly amount: string;
  /** How many are no reversals. */
  readonly journals: number;
}

async function sumEntries({ trx }: Session, ids: readonly string[]): Promise<Map<string, InvoiceAmounts>> {
  const rows = await trx.query<SummedRow>({
    name: 'sum-invoice-entries',
    text: `SELECT entry.invoice_id AS invoice, account.number, account.sub, entry.revenue,
             coalesce(original.type, journal.type) AS type, sum(entry.amount_minor)::text AS amount,
             (count(DISTINCT journal.id) FILTER (WHERE journal.reverses_id IS NULL))::int AS journals
           FROM ledger_entry entry
           JOIN ledger_account account ON account.account_id = entry.account_id
           JOIN ledger_transaction journal ON journal.id = entry.transaction_id
           LEFT JOIN ledger_transaction original ON original.id = journal.reverses_id
           WHERE entry.invoice_id = ANY ($1::text[]) AND entry.invoice_id <> ''
           GROUP BY entry.invoice_id, account.number, account.sub, entry.revenue, coalesce(original.type, journal.type)`,
    values: [ids],
  });
  const sums = new Map<string, InvoiceAmounts>();
  for (const { invoice, number, sub, revenue, type, amount, journals } of rows) {
    if (type === 'CHARGE' && journals > 1)
      throw new LedgerDifference('I11', `Invoice/${invoice} was charged ${journals} times.`);
    const sum = sums.get(invoice) ?? noAmounts();
    addLine(sum, { account: { number, sub }, amountMinor: BigInt(amount), revenue }, type);
    sums.set(invoice, sum);
  }
  return sums;
}

function compare(id: string, balance: InvoiceBalance | undefined, amounts: InvoiceAmounts): void {
  if (!balance) throw new LedgerDifference('I6', `Nothing is kept of Invoice/${id}.`);
  const equal = (what: string, found: bigint, expected: bigint) =>
    requireEqual('I6', `What is ${what} of Invoice/${id}`, found, expected);
  equal('charged', balance.grossMinor, amounts.grossMinor);
  equal('paid', balance.paidMinor, amounts.paidMinor);
  equal('credited', balance.creditedMinor, amounts.creditedMinor);
  equal('written off', balance.writtenOffMinor, amounts.writtenOffMinor);
  equal('outstanding', balance.outstandingMinor, amounts.outstandingMinor);
  const settled = balance.paidMinor + balance.creditedMinor + balance.writtenOffMinor;
  equal('outstanding', balance.outstandingMinor, balance.grossMinor - settled);
  const { deferredMinor, recognisedMinor, taxMinor } = balance;
  const kept = partsOf({ deferred: deferredMinor, recognised: recognisedMinor, tax: taxMinor });
  const summed = [...amounts.parts].filter(([, amount]) => amount !== 0n).map(([key, amount]) => `${key} ${amount}`);
  requireEqual('I14', `What is deferred, recognised and taxed of Invoice/${id}`, kept.sort(), summed.sort());
  if (balance.outstandingMinor < 0n) throw new LedgerDifference('I6', `Invoice/${id} is settled beyond what it is.`);
}

function partsOf(kinds: Readonly<Record<string, ReadonlyMap<string, bigint>>>): string[] {
  return Object.entries(kinds).flatMap(([kind, parts]) =>
    [...parts].map(([code, amount]) => `${kind}/${code} ${amount}`),
  );
}

async function checkCount({ trx }: Session, walked: number): Promise<void> {
  const [row] = await trx.query<{ count: string }>({
    name: 'count-ledger-invoices',
    text: 'SELECT count(*)::text AS count FROM ledger_invoice',
  });
  requireEqual('I6', 'The number of Invoices that balances are kept of', row?.count, walked);
}
