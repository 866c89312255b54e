// Billing: a completed Appointment is charged once, by the price list (domain.md S1-P3, S2-FR-B01).

import type { Module } from '../../repository/module.ts';
import { appointmentFulfilled } from './appointment-fulfilled.ts';
import { type AutoInvoiceOptions, createAutoInvoiceJob } from './auto-invoice.ts';
import { claimWrittenKeys } from './auto-invoice-key.ts';
import { createPriceList } from './price-list.ts';

export function createBillingModule({ currencyOf }: Pick<AutoInvoiceOptions, 'currencyOf'>): Module {
  return {
    name: 'billing',
    effects: [claimWrittenKeys],
    reactions: [appointmentFulfilled],
    jobs: [createAutoInvoiceJob({ pricesOf: createPriceList(), currencyOf })],
  };
}
