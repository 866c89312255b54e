// A payment that the bank takes back, as a cheque that bounces: voided on the day that is told, with what the bank asks for it (domain.md SM-4, 3.3).

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import type { ExactNumbers } from '../../repository/change.ts';
import type { JournalEntry } from '../ledger/journal.ts';
import { bankFeeLines } from '../ledger/postings.ts';
import { extensionUrls } from './canonicals.ts';
import type { Move } from './moves.ts';
import { extensionOf, type Payment } from './payment.ts';
import { sourceOf } from './posting.ts';

/** What the bank has taken back is in no drawer: no settlement expects less for it. */
export const bankDrawer = 'Organization/bank';

/** True of a void that says what the bank asks for it, if nothing. */
export function isBounced({ phase, bankFeeMinor }: Payment): boolean {
  return phase === 'void' && bankFeeMinor !== undefined;
}

/** Dr 6050, Cr 1040; a journal of its own, for the reversal is the mirror of the payment. */
export function feeJournal(move: Move, businessDate: string): JournalEntry | undefined {
  const { bankFeeMinor = 0n, currency } = move.payment;
  if (bankFeeMinor === 0n) return undefined;
  return {
    type: 'ADJUSTMENT',
    businessDate,
    source: sourceOf(move),
    idempotencyKey: `bank-fee ${move.change.id}`,
    currency,
    reason: 'bank-fee',
    lines: bankFeeLines(bankFeeMinor),
    facts: { drawer: bankDrawer },
  };
}

/** The voided payment with the fee that was sent with the void, in the text of its number. */
export function withBankFee(
  voided: PaymentReconciliation,
  sent: PaymentReconciliation,
  numbers: { readonly stored: ExactNumbers | undefined; readonly sent: ExactNumbers | undefined },
): { resource: PaymentReconciliation; exactNumbers: ExactNumbers | undefined } {
  const fee = extensionOf(sent, extensionUrls.bankFee);
  if (!fee) return { resource: voided, exactNumbers: numbers.stored };
  const extension = [...(voided.extension ?? []), fee];
  const text = numbers.sent?.get(pointerTo(sent.extension?.indexOf(fee) ?? 0));
  const exactNumbers = new Map([
    ...(numbers.stored ?? []),
    ...(text === undefined ? [] : [[pointerTo(extension.length - 1), text] as const]),
  ]);
  return { resource: { ...voided, extension }, exactNumbers };
}

function pointerTo(index: number): string {
  return `/extension/${index}/valueMoney/value`;
}
