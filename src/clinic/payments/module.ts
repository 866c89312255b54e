// Payments, their receipts, refunds and voids, and the settlement of a day (domain.md SM-4, SM-10).

import type { PaymentReconciliation } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Workflow } from '../../operations/workflow.ts';
import type { Change } from '../../repository/change.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { isMoney } from './payment.ts';
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
    prepare: [{ name: 'payment-content', type, run: createPreparePayments(settingsOf) }],
    guards: [{ name: 'payment-stays', type, run: requireNotDeleted }],
    effects: [{ name: 'payment-posting', type, run: createPostPayments(settingsOf) }],
    operations: [createSettleDay(settingsOf)],
  };
}

/** Money is taken back by a void or a refund, never by a deletion (domain.md S2-FR-B02). Records from outside are no money here. */
function requireNotDeleted(changes: readonly Change[]): void {
  for (const { action, oldResource, index } of changes) {
    if (action !== 'delete' || !oldResource || !isMoney(oldResource as PaymentReconciliation)) continue;
    throw fhirError('not-supported', 'A payment is never deleted: void it by status cancelled, or refund it.', {
      expression: 'PaymentReconciliation',
      writeIndex: index,
    });
  }
}
