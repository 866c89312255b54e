// What postings change of Invoices, credits, days and facts, written in the same transaction (domain.md 3.2, I6).

import type { Currency } from '../../fhir/money.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import { type CreditChange, creditChanges } from './credit-changes.ts';
import { columnsOf } from './insert-journals.ts';
import { type InvoiceChange, invoiceChanges } from './invoice-changes.ts';
import type { ChainedJournal } from './journal-chain.ts';
import { forgetBalances, forgetCredits, keepStates, notePosting, type SettledState } from './known-balances.ts';
import { type SummedJournal, type Sums, sumDays, sumFacts, sumRows } from './rollup-changes.ts';

/** Throws 409 where more would be settled than is outstanding, or more credit used than is left. */
export async function keepBalances(
  session: Session,
  journals: readonly ChainedJournal[],
  foreseen?: ReadonlyMap<string, SettledState>,
): Promise<void> {
  const days: Sums = new Map();
  const facts: Sums = new Map();
  for (const journal of journals.map(summedOf)) {
    sumDays(days, journal);
    sumFacts(facts, journal);
  }
  keepDays(session, sumRows(days));
  if (facts.size > 0) keepFacts(session, sumRows(facts));
  notePosting(session);
  const areCharges = journals.every(({ posting }) => posting.type === 'CHARGE');
  const changes = invoiceChanges(journals);
  await Promise.all([
    // Nothing can be refused of what is charged the first time, so nobody waits for its answer.
    keepInvoices(session, changes, areCharges ? chargedStates(changes) : foreseen),
    keepCredits(session, creditChanges(journals)),
  ]);
}

function summedOf({ posting, lines }: ChainedJournal): SummedJournal {
  const { businessDate, type, mirrors = type, currency, facts = {} } = posting;
  return {
    ...{ businessDate, mirrors, method: facts.method ?? '', drawer: facts.drawer ?? '' },
    lines: lines.map(({ state, amountMinor, practitioner, department }) => ({
      ...{ ...state, currency, amountMinor, practitioner, department },
    })),
  };
}

/** Who foresees how all of them are settled waits for nothing: the database refuses what comes otherwise. */
async function keepInvoices(
  session: Session,
  changes: readonly InvoiceChange[],
  foreseen: ReadonlyMap<string, SettledState> | undefined,
): Promise<void> {
  if (changes.length === 0) return;
  const { trx } = session;
  const ids = changes.map(({ invoice }) => invoice);
  forgetBalances(session, ids);
  const parts = changes.flatMap(({ invoice, parts }) =>
    [...parts].map(([key, amount]) => [invoice, ...key.split('/'), amount]),
  );
  if (parts.length > 0) {
    trx.execute({
      name: 'keep-ledger-invoice-parts',
      text: `INSERT INTO ledger_invoice_part (invoice_id, kind, code, amount_minor)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
             ON CONFLICT (tenant_id, invoice_id, kind, code)
               DO UPDATE SET amount_minor = ledger_invoice_part.amount_minor + excluded.amount_minor`,
      values: columnsOf(parts),
    });
  }
  const values = columnsOf(changes.map(invoiceRow));
  if (foreseen && ids.every((id) => foreseen.has(id))) {
    trx.execute({ name: 'keep-ledger-invoices', text: upsert, values });
    requireStates(session, ids, foreseen);
    keepStates(session, foreseen);
    return;
  }
  const rows = await trx.query<StateRow>({ name: 'keep-ledger-invoices', text: upsert, values });
  requireSettleable(changes, rows);
  // Asked for in between, they were those of before.
  forgetBalances(session, ids);
  keepStates(
    session,
    rows.map(({ invoice_id: id, currency, outstanding, paid }) => {
      return [id, { currency, outstandingMinor: BigInt(outstanding), paidMinor: BigInt(paid) }] as const;
    }),
  );
}

function chargedStates(changes: readonly InvoiceChange[]): Map<string, SettledState> {
  return new Map(changes.map((change) => [change.invoice, change]));
}

function requireStates({ trx }: Session, ids: readonly string[], foreseen: ReadonlyMap<string, SettledState>): void {
  const states = ids.flatMap((id) => foreseen.get(id) ?? []);
  trx.execute({
    name: 'require-invoice-states',
    text: 'SELECT require_invoice_states($1::text[], $2::text[], $3::bigint[], $4::bigint[])',
    values: [
      ids,
      states.map(({ currency }) => currency),
      states.map(({ outstandingMinor }) => String(outstandingMinor)),
      states.map(({ paidMinor }) => String(paidMinor)),
    ],
  });
}

function requireSettleable(changes: readonly InvoiceChange[], rows: readonly StateRow[]): void {
  const currencies = new Map(changes.map(({ invoice, currency }) => [invoice, currency]));
  for (const { invoice_id: id, currency, outstanding, paid } of rows) {
    if (currency !== currencies.get(id)) throw refused('An Invoice is settled in its own currency.');
    if (BigInt(outstanding) < 0n) throw refused('More would be settled of the Invoice than is outstanding.');
    if (BigInt(paid) < 0n) throw refused('More would be refunded of the Invoice than was paid.');
  }
}

interface StateRow {
  readonly outstanding: string;
  readonly paid: string;
  readonly currency: Currency;
  readonly invoice_id: string;
}

const upsert = `
  INSERT INTO ledger_invoice (invoice_id, currency, basis, practitioner, department, gross_minor, paid_minor,
    credited_minor, written_off_minor, outstanding_minor)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::bigint[])
  ON CONFLICT (tenant_id, invoice_id) DO UPDATE SET
    gross_minor = ledger_invoice.gross_minor + excluded.gross_minor,
    paid_minor = ledger_invoice.paid_minor + excluded.paid_minor,
    credited_minor = ledger_invoice.credited_minor + excluded.credited_minor,
    written_off_minor = ledger_invoice.written_off_minor + excluded.written_off_minor,
    outstanding_minor = ledger_invoice.outstanding_minor + excluded.outstanding_minor
  RETURNING invoice_id, currency, outstanding_minor::text AS outstanding, paid_minor::text AS paid`;

function invoiceRow(change: InvoiceChange): unknown[] {
  const { invoice, currency, basis, practitioner, department } = change;
  const { grossMinor, paidMinor, creditedMinor, writtenOffMinor, outstandingMinor } = change;
  const amounts = [grossMinor, paidMinor, creditedMinor, writtenOffMinor, outstandingMinor];
  return [invoice, currency, basis, practitioner, department, ...amounts];
}

async function keepCredits(session: Session, changes: readonly CreditChange[]): Promise<void> {
  if (changes.length === 0) return;
  forgetCredits(session);
  const rows = await session.trx.query<{ amount: string }>({
    name: 'keep-ledger-credits',
    text: `INSERT INTO ledger_credit (source, patient, currency, amount_minor, opened_on, opened_seq)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::date[], $6::bigint[])
           ON CONFLICT (tenant_id, source, patient, currency)
             DO UPDATE SET amount_minor = ledger_credit.amount_minor + excluded.amount_minor
           RETURNING amount_minor::text AS amount`,
    values: columnsOf(
      changes.map(({ source, patient, currency, amountMinor, openedOn, openedSeq }) => [
        ...[source, patient, currency, amountMinor, openedOn, openedSeq],
      ]),
    ),
  });
  if (rows.some(({ amount }) => BigInt(amount) < 0n)) throw refused('More credit would be used than is left.');
}

function refused(diagnostics: string): Error {
  return fhirError('conflict', diagnostics);
}

function keepDays({ trx }: Session, rows: readonly unknown[][]): void {
  trx.execute({
    name: 'keep-ledger-days',
    text: `INSERT INTO ledger_day (account_id, currency, day, debit_minor, credit_minor)
           SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[])
           ON CONFLICT (tenant_id, account_id, currency, day) DO UPDATE SET
             debit_minor = ledger_day.debit_minor + excluded.debit_minor,
             credit_minor = ledger_day.credit_minor + excluded.credit_minor`,
    values: columnsOf(rows),
  });
}

function keepFacts({ trx }: Session, rows: readonly unknown[][]): void {
  trx.execute({
    name: 'keep-ledger-facts',
    text: `INSERT INTO ledger_fact (day, currency, number, practitioner, department, method, drawer, debit_minor, credit_minor)
           SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
             $9::bigint[])
           ON CONFLICT (tenant_id, day, currency, number, practitioner, department, method, drawer) DO UPDATE SET
             debit_minor = ledger_fact.debit_minor + excluded.debit_minor,
             credit_minor = ledger_fact.credit_minor + excluded.credit_minor`,
    values: columnsOf(rows),
  });
}
