// Billing: a completed Appointment is charged once, by the price list (domain.md S1-P3, S2-FR-B01).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { appointmentFulfilled } from './appointment-fulfilled.ts';
import { createAutoInvoiceJob } from './auto-invoice.ts';
import { claimWrittenKeys } from './auto-invoice-key.ts';
import { createPriceList } from './price-list.ts';

export interface BillingOptions {
  readonly settingsOf: SettingsOf;
}

export function createBillingModule({ settingsOf }: BillingOptions): Workflow {
  const currencyOf = async (tenantId: number) => (await settingsOf(tenantId)).currency;
  return {
    name: 'billing',
    effects: [claimWrittenKeys],
    reactions: [appointmentFulfilled],
    jobs: [createAutoInvoiceJob({ pricesOf: createPriceList(), currencyOf })],
  };
}
