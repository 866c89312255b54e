// Payments, their receipts, refunds and voids, and the settlement of a day (domain.md SM-4, SM-10).

import { fhirError } from '../../fhir/outcome.ts';
import type { Workflow } from '../../operations/workflow.ts';
import type { Change } from '../../repository/change.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { lockMoney } from '../ledger/lock-money.ts';
import { knownPhase } from './moves.ts';
import { createPostPayments } from './post-payments.ts';
import { createPreparePayments } from './prepare-payments.ts';
import { createSettleDay } from './settle-day.ts';

export interface PaymentsOptions {
  readonly settingsOf: SettingsOf;
}

export function createPaymentsModule({ settingsOf }: PaymentsOptions): Workflow {
  const type = 'PaymentReconciliation';
  return {
    name: 'payments',
    locks: [{ type, isFor: ({ action }) => action !== 'delete', take: lockMoney }],
    prepare: [{ name: 'payment-content', type, run: createPreparePayments(settingsOf) }],
    guards: [{ name: 'payment-stays', type, run: requireNotDeleted }],
    effects: [{ name: 'payment-posting', type, run: createPostPayments(settingsOf) }],
    operations: [createSettleDay(settingsOf)],
  };
}

/** Money is taken back by a void or a refund, never by a deletion (domain.md S2-FR-B02). Drafts and records from outside are none. */
function requireNotDeleted(changes: readonly Change[]): void {
  for (const change of changes) {
    if (change.action !== 'delete' || knownPhase(change) === undefined) continue;
    throw fhirError('not-supported', 'A payment is never deleted: void it by status cancelled, or refund it.', {
      expression: 'PaymentReconciliation',
      writeIndex: change.index,
    });
  }
}
