// The clinic's workflows, put together in the order in which their rules run.

import { createBillingModule } from './clinic/billing/module.ts';
import type { SettingsOf } from './clinic/clinic-settings.ts';
import { createLedgerModule } from './clinic/ledger/module.ts';
import { createNumbersModule } from './clinic/numbers/module.ts';
import { createPatientsModule } from './clinic/patients/module.ts';
import { createPaymentsModule } from './clinic/payments/module.ts';
import { createSchedulingModule } from './clinic/scheduling/module.ts';
import { createVisitsModule } from './clinic/visits/module.ts';
import type { Workflow } from './operations/workflow.ts';

export function createWorkflows(options: { readonly settingsOf: SettingsOf }): readonly Workflow[] {
  return [
    createPatientsModule(options),
    createSchedulingModule(options),
    createVisitsModule(options),
    createBillingModule(options),
    createPaymentsModule(options),
    createLedgerModule(options),
    // Last of those that fill in: a number is taken when all else is known to be there.
    createNumbersModule(options),
  ];
}
