// What postings change of patients' credits: the lines on 2100 by what they stem from (contract.md 29, 34, 35).

import type { ChainedJournal } from './journal-chain.ts';

export interface CreditChange {
  readonly source: string;
  /** Empty where nobody's. */
  readonly patient: string;
  readonly currency: string;
  /** Of the first posting. */
  readonly openedOn: string;
  readonly openedSeq: bigint;
  amountMinor: bigint;
}

export function creditChanges(journals: readonly ChainedJournal[]): CreditChange[] {
  const changes = new Map<string, CreditChange>();
  for (const { posting, lines, seq } of journals) {
    const { currency, businessDate } = posting;
    for (const { account, credit: source, amountMinor } of lines) {
      if (account.number !== '2100' || source === undefined) continue;
      const patient = account.sub ?? '';
      const key = JSON.stringify([source, patient, currency]);
      const opened = { openedOn: businessDate, openedSeq: seq };
      const change = changes.get(key) ?? { source, patient, currency, ...opened, amountMinor: 0n };
      change.amountMinor -= amountMinor;
      changes.set(key, change);
    }
  }
  return [...changes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, change]) => change);
}
