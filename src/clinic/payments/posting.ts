// What follows from a payment, a refund or a void, gathered before any of it is written.

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import type { Currency } from '../../fhir/money.ts';
import type { JournalEntry } from '../ledger/journal.ts';
import type { SettledState } from '../ledger/known-balances.ts';
import type { AllocationRow } from './allocation-rows.ts';
import type { Move } from './moves.ts';
import type { PaymentRow, Refunded } from './payment-rows.ts';
import { personOf } from './rights.ts';

export interface Posting {
  readonly row: PaymentRow;
  readonly journal?: JournalEntry;
  /** New ones of payments without their receipts, which come with their numbers. */
  readonly added?: readonly AllocationRow[];
  readonly reduced?: readonly AllocationRow[];
  readonly refunded?: Refunded;
  readonly receipts?: readonly Receipt[];
  /** Ids of the PaymentNotices that hold no more. */
  readonly cancelledReceipts?: readonly string[];
  readonly edits?: readonly PaymentEdit[];
  /** Whose outstanding is another one now. */
  readonly invoiceIds?: readonly string[];
  /** How these are paid then, where it is known before it is posted. */
  readonly states?: ReadonlyMap<string, SettledState>;
}

/** A further version of a payment, by the server. */
export interface PaymentEdit {
  readonly paymentId: string;
  edit(payment: PaymentReconciliation): PaymentReconciliation;
}

export interface Receipt {
  readonly paymentId: string;
  readonly invoiceId: string;
  readonly amountMinor: bigint;
  readonly currency: Currency;
  readonly day: string;
}

/** As it is before anybody knows its patient. */
export function rowOf({ change, payment }: Move, caller: Parameters<typeof personOf>[0]): PaymentRow {
  const { kind, phase, method, drawer, day, currency, amountMinor, refunds, issuer } = payment;
  return {
    ...{ id: change.id, kind, phase, method, day, currency, amountMinor },
    patientId: issuer?.type === 'Patient' ? issuer.id : undefined,
    drawerId: drawer ?? '',
    refundedMinor: 0n,
    refunds: refunds?.reference,
    requestedBy: personOf(caller),
  };
}

/** `PaymentReconciliation/1/_history/2` */
export function sourceOf({ change }: Move): string {
  return `PaymentReconciliation/${change.id}/_history/${change.versionId}`;
}

/** What reports tell its money by. */
export function journalFacts({ method, drawer }: Move['payment']): NonNullable<JournalEntry['facts']> {
  return { ...(method && { method }), ...(drawer !== undefined && { drawer: `Location/${drawer}` }) };
}
