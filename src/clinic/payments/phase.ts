// Where a payment stands, from `status` and `outcome` together, and what may follow (domain.md SM-4, contract.md 36, 37).

import type { PaymentReconciliation } from '@medplum/fhirtypes';

/** Only what is `posted` is in the ledger. */
export type Phase = 'draft' | 'queued' | 'posted' | 'failed' | 'void';

/** Undefined where a payment that is active does not say what came of it. */
export function phaseOf({ status, outcome }: Pick<PaymentReconciliation, 'status' | 'outcome'>): Phase | undefined {
  if (status === 'draft') return 'draft';
  if (status !== 'active') return 'void';
  return outcome === undefined ? undefined : phases[outcome];
}

const phases: Readonly<Partial<Record<string, Phase>>> = { complete: 'posted', queued: 'queued', error: 'failed' };

const followers: Readonly<Record<Phase, readonly Phase[]>> = {
  draft: ['queued', 'posted', 'failed', 'void'],
  queued: ['posted', 'failed', 'void'],
  posted: ['void'],
  failed: [],
  void: [],
};

/** A payment may begin its life in any phase; the same one may always be sent again. */
export function mayFollow(from: Phase | undefined, to: Phase): boolean {
  return from === undefined || from === to || followers[from].includes(to);
}
