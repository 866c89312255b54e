// Journals in their places: numbered, chained by hashes, each line with its account's new balance (domain.md 3.2, I3, I16).

import { createHash } from 'node:crypto';
import type { Currency } from '../../fhir/money.ts';
import type { AccountState } from './account-rows.ts';
import type { JournalEntry, JournalLine, LedgerType } from './journal.ts';

/** What is posted, with what its kept balances need to know beside. */
export interface Posting extends JournalEntry {
  /** Of a reversal: what it takes back. */
  readonly mirrors?: LedgerType;
}

export interface ChainedLine extends JournalLine {
  readonly state: AccountState;
  readonly accountSeq: bigint;
  readonly balanceAfterMinor: bigint;
  readonly practitioner: string;
  readonly department: string;
}

export interface ChainedJournal {
  readonly id: string;
  readonly seq: bigint;
  readonly posting: Posting;
  readonly lines: readonly ChainedLine[];
  readonly source: SourceVersion;
  /** `Practitioner/x`, `Device/x`; empty for the server itself. */
  readonly actor: string;
  readonly recordedAt: Date;
  readonly prevHash: Buffer;
  readonly hash: Buffer;
}

export interface SourceVersion {
  readonly type: string;
  readonly id: string;
  readonly version: number;
}

/** One journal as its hash covers it: everything that its rows hold. */
export interface HashedJournal {
  readonly tenantId: number;
  readonly seq: bigint;
  readonly id: string;
  readonly type: string;
  readonly businessDate: string;
  readonly source: SourceVersion;
  readonly subject: string;
  readonly idempotencyKey: string;
  readonly reverses: string;
  readonly actor: string;
  readonly reason: string;
  readonly method: string;
  readonly drawer: string;
  readonly recordedAt: Date;
  readonly lines: readonly HashedLine[];
  readonly prevHash: Buffer;
}

export interface HashedLine {
  readonly accountId: string;
  readonly controlId: string;
  readonly currency: Currency;
  readonly amountMinor: bigint;
  readonly accountSeq: bigint;
  readonly balanceAfterMinor: bigint;
  readonly party: string;
  readonly invoice: string;
  readonly revenue: string;
  readonly credit: string;
  readonly practitioner: string;
  readonly department: string;
}

/** SHA-256 over the one text that a journal and its predecessor have. */
export function hashJournal(journal: HashedJournal): Buffer {
  const { tenantId, seq, id, type, businessDate, source, subject, idempotencyKey, reverses } = journal;
  const { actor, reason, method, drawer, recordedAt, lines, prevHash } = journal;
  const head = [prevHash.toString('hex'), tenantId, String(seq), id, type, businessDate];
  const origin = [source.type, source.id, source.version, subject, idempotencyKey, reverses];
  const facts = [actor, reason, method, drawer, recordedAt.toISOString()];
  const text = JSON.stringify([...head, ...origin, ...facts, lines.map(lineText)]);
  return createHash('sha256').update(text).digest();
}

function lineText(line: HashedLine): string[] {
  const { accountId, controlId, currency, amountMinor, accountSeq, balanceAfterMinor } = line;
  const { party, invoice, revenue, credit, practitioner, department } = line;
  const amounts = [amountMinor, accountSeq, balanceAfterMinor].map(String);
  return [accountId, controlId, currency, ...amounts, party, invoice, revenue, credit, practitioner, department];
}
