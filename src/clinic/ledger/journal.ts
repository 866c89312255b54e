// What is posted: a journal of two or more lines that sum to nothing, debits positive and credits negative (domain.md 3.2, contract.md 41).

import type { Currency } from '../../fhir/money.ts';

export type LedgerType =
  | 'CHARGE'
  | 'PAYMENT'
  | 'REFUND'
  | 'REVERSAL'
  | 'ADJUSTMENT'
  | 'WRITE_OFF'
  | 'DEPOSIT'
  | 'APPLY_CREDIT'
  | 'TRANSFER'
  | 'OVER_SHORT';

/** An account of the chart, or one below it. */
export interface AccountKey {
  /** Four digits, as in the chart of accounts. */
  readonly number: string;
  /** `Patient/x` below 1200 and 2100, `Location/x` of a drawer below 1010, a tax code below 2200. */
  readonly sub?: string;
}

export interface JournalLine {
  readonly account: AccountKey;
  /** Debit positive, credit negative. */
  readonly amountMinor: bigint;
  /** `Patient/x`. */
  readonly party?: string;
  /** The id of the Invoice that the line is about. */
  readonly invoice?: string;
  /** On 2400: the number of the revenue account that the line will be moved to. */
  readonly revenue?: string;
  /** On 2100: the credit it makes or takes from, `PaymentReconciliation/x` or `Invoice/x` (a credit note). */
  readonly credit?: string;
}

export interface JournalEntry {
  readonly type: LedgerType;
  /** `YYYY-MM-DD`, not in the future. */
  readonly businessDate: string;
  /** `Invoice/1/_history/2`: what is posted follows from this version. */
  readonly source: string;
  /** What names the event once and for all in its tenant; the same key posts nothing again. */
  readonly idempotencyKey: string;
  readonly currency: Currency;
  /** `Patient/x`: whose posting it is. */
  readonly subject?: string;
  /** Set by `reverseJournal` only. */
  readonly reverses?: string;
  /** A code such as `void`; never free text, for the ledger's rows hold none. */
  readonly reason?: string;
  readonly lines: readonly JournalLine[];
  readonly facts?: JournalFacts;
}

/** What reports tell money and revenue apart by. Empty = unknown. */
export interface JournalFacts {
  /** A code of v2-0570 or of the house: `CASH`, `CCCA`, `UPI`. */
  readonly method?: string;
  /** `Location/x`. */
  readonly drawer?: string;
  /** `Practitioner/x`: of a CHARGE; whatever else is posted about its Invoice has the same. */
  readonly practitioner?: string;
  /** `Organization/x`: as the practitioner. */
  readonly department?: string;
}

export interface PostedJournal {
  /** Of the Basic resource. */
  readonly id: string;
  /** From 1 without gaps in the tenant. */
  readonly seq: number;
  /** True when it had been posted before by the same key. */
  readonly isReplay: boolean;
}
