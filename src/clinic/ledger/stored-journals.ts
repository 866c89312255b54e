// Journals as their rows say them.

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';
import type { LedgerType } from './journal.ts';
import type { HashedJournal, HashedLine } from './journal-chain.ts';

export interface StoredJournal extends HashedJournal {
  readonly type: LedgerType;
  /** What a reversal takes back; the type itself of any other. */
  readonly mirrors: LedgerType;
  readonly lines: readonly StoredLine[];
  readonly hash: Buffer;
}

export interface StoredLine extends HashedLine {
  readonly number: string;
  readonly sub: string;
}

/** In the order of posting. */
export async function storedJournals(session: Session, ids: readonly string[]): Promise<StoredJournal[]> {
  if (ids.length === 0) return [];
  const { trx } = session;
  const journals = trx.query<JournalRow>({
    name: 'stored-journals',
    text: `SELECT ${journalColumns} FROM ledger_transaction journal WHERE id = ANY ($1::text[]) ORDER BY journal.seq`,
    values: [ids],
  });
  const lines = trx.query<LineRow>({
    name: 'stored-lines',
    // OFFSET 0: each account is looked up, where the planner would read those of all patients.
    text: `SELECT ${lineColumns} FROM ledger_entry entry
           CROSS JOIN LATERAL (SELECT * FROM ledger_account account WHERE account.account_id = entry.account_id OFFSET 0) AS account
           WHERE entry.transaction_id = ANY ($1::text[]) ORDER BY entry.seq, entry.line`,
    values: [ids],
  });
  return joinJournals(trx.tenantId, await journals, await lines);
}

/** A part of the chain, for whoever walks it. */
export async function nextJournals({ trx }: Session, afterSeq: bigint, countMax: number): Promise<StoredJournal[]> {
  const journals = trx.query<JournalRow>({
    name: 'next-journals',
    text: `SELECT ${journalColumns} FROM ledger_transaction journal WHERE seq > $1 ORDER BY journal.seq LIMIT $2`,
    values: [afterSeq, countMax],
  });
  const lines = trx.query<LineRow>({
    name: 'next-lines',
    text: `SELECT ${lineColumns} FROM (SELECT id FROM ledger_transaction WHERE seq > $1 ORDER BY seq LIMIT $2) AS journal
           JOIN ledger_entry entry ON entry.transaction_id = journal.id
           LEFT JOIN ledger_account account USING (account_id) ORDER BY entry.seq, entry.line`,
    values: [afterSeq, countMax],
  });
  return joinJournals(trx.tenantId, await journals, await lines);
}

const journalColumns = `id, seq::text AS seq, type, business_date::text AS business_date, source_type, source_id, source_version,
  subject, idempotency_key, reverses_id, actor, reason, method, drawer, recorded_at, prev_hash, hash,
  (SELECT type FROM ledger_transaction original WHERE original.id = journal.reverses_id) AS mirrors`;

interface JournalRow {
  readonly id: string;
  readonly seq: string;
  readonly type: LedgerType;
  readonly business_date: string;
  readonly source_type: string;
  readonly source_id: string;
  readonly source_version: number;
  readonly subject: string;
  readonly idempotency_key: string;
  readonly reverses_id: string | null;
  readonly actor: string;
  readonly reason: string;
  readonly method: string;
  readonly drawer: string;
  readonly recorded_at: Date;
  readonly prev_hash: Buffer;
  readonly hash: Buffer;
  readonly mirrors: LedgerType | null;
}

const lineColumns = `entry.transaction_id, entry.account_id, entry.control_id, account.number, account.sub, entry.currency,
  entry.amount_minor::text AS amount, entry.account_seq::text AS account_seq, entry.balance_after::text AS balance_after,
  entry.party, entry.invoice_id, entry.revenue, entry.credit, entry.practitioner, entry.department`;

interface LineRow {
  readonly transaction_id: string;
  readonly account_id: string;
  readonly control_id: string;
  readonly number: string | null;
  readonly sub: string | null;
  readonly currency: Currency;
  readonly amount: string;
  readonly account_seq: string;
  readonly balance_after: string;
  readonly party: string;
  readonly invoice_id: string;
  readonly revenue: string;
  readonly credit: string;
  readonly practitioner: string;
  readonly department: string;
}

function joinJournals(tenantId: number, rows: readonly JournalRow[], lineRows: readonly LineRow[]): StoredJournal[] {
  const lines = Map.groupBy(lineRows, (row) => row.transaction_id);
  return rows.map((row) => ({
    tenantId,
    id: row.id,
    seq: BigInt(row.seq),
    type: row.type,
    businessDate: row.business_date,
    source: { type: row.source_type, id: row.source_id, version: row.source_version },
    subject: row.subject,
    idempotencyKey: row.idempotency_key,
    reverses: row.reverses_id ?? '',
    actor: row.actor,
    reason: row.reason,
    method: row.method,
    drawer: row.drawer,
    recordedAt: row.recorded_at,
    mirrors: row.mirrors ?? row.type,
    prevHash: row.prev_hash,
    hash: row.hash,
    lines: (lines.get(row.id) ?? []).map(lineOf),
  }));
}

function lineOf(row: LineRow): StoredLine {
  return {
    accountId: row.account_id,
    controlId: row.control_id,
    number: row.number ?? '',
    sub: row.sub ?? '',
    currency: row.currency,
    amountMinor: BigInt(row.amount),
    accountSeq: BigInt(row.account_seq),
    balanceAfterMinor: BigInt(row.balance_after),
    party: row.party,
    invoice: row.invoice_id,
    revenue: row.revenue,
    credit: row.credit,
    practitioner: row.practitioner,
    department: row.department,
  };
}
