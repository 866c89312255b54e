// Payments, their receipts, refunds and voids, and the settlement of a day (domain.md SM-4, SM-10).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';

export interface PaymentsOptions {
  readonly settingsOf: SettingsOf;
}

export function createPaymentsModule(_options: PaymentsOptions): Workflow {
  return { name: 'payments' };
}
