// The statements that write journals and their lines, however many there are.

import type { Session } from '../../repository/session.ts';
import { hashedLine } from './chain-journals.ts';
import type { ChainedJournal } from './journal-chain.ts';

export function insertJournals({ trx }: Session, journals: readonly ChainedJournal[]): void {
  trx.execute({
    name: 'insert-ledger-transactions',
    text: `INSERT INTO ledger_transaction (id, seq, type, business_date, source_type, source_id, source_version, subject,
             idempotency_key, reverses_id, actor, reason, method, drawer, recorded_at, prev_hash, hash)
           SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::date[], $5::text[], $6::text[], $7::int[], $8::text[],
             $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::bytea[],
             $17::bytea[])`,
    values: columnsOf(journals.map(journalRow)),
  });
  trx.execute({
    name: 'insert-ledger-entries',
    text: `INSERT INTO ledger_entry (transaction_id, line, seq, business_date, account_id, control_id, currency, amount_minor,
             account_seq, balance_after, party, invoice_id, revenue, credit, practitioner, department)
           SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::date[], $5::text[], $6::text[], $7::text[], $8::bigint[],
             $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])`,
    values: columnsOf(journals.flatMap(lineRows)),
  });
}

function journalRow({ id, seq, posting, source, actor, recordedAt, prevHash, hash }: ChainedJournal): unknown[] {
  const { type, businessDate, subject = '', idempotencyKey, reverses = null, reason = '', facts = {} } = posting;
  const origin = [source.type, source.id, source.version, subject, idempotencyKey, reverses];
  const said = [actor, reason, facts.method ?? '', facts.drawer ?? '', recordedAt.toISOString()];
  return [id, seq, type, businessDate, ...origin, ...said, prevHash, hash];
}

function lineRows({ id, seq, posting, lines }: ChainedJournal): unknown[][] {
  return lines.map((line, index) => {
    const row = hashedLine(posting, line);
    const place = [id, index + 1, seq, posting.businessDate, row.accountId, row.controlId, row.currency];
    const amounts = [row.amountMinor, row.accountSeq, row.balanceAfterMinor];
    return [...place, ...amounts, row.party, row.invoice, row.revenue, row.credit, row.practitioner, row.department];
  });
}

/** Rows as one array for each column. */
export function columnsOf(rows: readonly (readonly unknown[])[]): unknown[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column]));
}
