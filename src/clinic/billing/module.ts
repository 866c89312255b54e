// Billing: a completed Appointment is charged once, by the price list, and what is issued is posted and never changes (domain.md S1-P3, S2-FR-B01, SM-2).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { createApply } from './apply-definition.ts';
import { appointmentFulfilled } from './appointment-fulfilled.ts';
import { createAutoInvoiceJob } from './auto-invoice.ts';
import { claimWrittenKeys } from './auto-invoice-key.ts';
import { rememberChargeItems } from './charge-items.ts';
import { claimCharges } from './claim-charges.ts';
import { createFeeJobs } from './fees.ts';
import { createLockIssue } from './foresee-issue.ts';
import { keepBilled, keepIssued } from './guard-deletes.ts';
import { createKeepFacts } from './keep-invoice-facts.ts';
import { mayMoveMoney } from './may-move-money.ts';
import { appointmentCancelled, appointmentMissed } from './missed-visits.ts';
import { cancelDraftsOfMistakes, keepBilledEncounters, refuseBilledMistakes } from './mistaken-visits.ts';
import { refuseNoBilling } from './no-billing.ts';
import type { ApplyCredit } from './on-issue.ts';
import { createPostInvoices } from './post-invoices.ts';
import { createPrepareInvoices } from './prepare-invoices.ts';
import { createPriceList } from './price-list.ts';
import { endPricingTasks } from './pricing-tasks.ts';

export interface BillingOptions {
  readonly settingsOf: SettingsOf;
  /** Of the payments; absent = credit stays where it is. */
  readonly applyCredit?: ApplyCredit;
}

export function createBillingModule({ settingsOf, applyCredit }: BillingOptions): Workflow {
  const pricesOf = createPriceList();
  return {
    name: 'billing',
    locks: [{ type: 'Invoice', isFor: mayMoveMoney, take: createLockIssue(settingsOf) }],
    prepare: [
      rememberChargeItems,
      createPrepareInvoices({ settingsOf, pricesOf, appliesCredit: applyCredit !== undefined }),
    ],
    guards: [refuseNoBilling, refuseBilledMistakes, keepBilledEncounters, keepIssued, keepBilled],
    // Rows before postings: what follows reads them.
    effects: [
      claimWrittenKeys,
      createKeepFacts(settingsOf),
      claimCharges,
      endPricingTasks,
      createPostInvoices({ settingsOf, applyCredit }),
      cancelDraftsOfMistakes,
    ],
    reactions: [appointmentFulfilled, appointmentMissed, appointmentCancelled],
    jobs: [createAutoInvoiceJob({ pricesOf, settingsOf }), ...createFeeJobs(settingsOf)],
    operations: [createApply({ settingsOf, pricesOf })],
  };
}
