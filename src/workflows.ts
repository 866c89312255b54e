// The clinic's workflows, put together in the order in which their rules run.

import { createBillingModule } from './clinic/billing/module.ts';
import type { SettingsOf } from './clinic/clinic-settings.ts';
import { createDocumentsModule } from './clinic/documents/module.ts';
import { createPrint } from './clinic/documents/print.ts';
import { createLedgerModule } from './clinic/ledger/module.ts';
import { createNumbersModule } from './clinic/numbers/module.ts';
import { createPatientsModule } from './clinic/patients/module.ts';
import { applyCredit } from './clinic/payments/apply-credit.ts';
import { createPaymentsModule } from './clinic/payments/module.ts';
import { createReportsModule } from './clinic/reports/module.ts';
import { createSchedulingModule } from './clinic/scheduling/module.ts';
import { createVisitsModule } from './clinic/visits/module.ts';
import type { Workflow } from './operations/workflow.ts';

export function createWorkflows(options: { readonly settingsOf: SettingsOf }): readonly Workflow[] {
  const print = createPrint();
  const numbers = createNumbersModule(options);
  return [
    createPatientsModule(options),
    createSchedulingModule({ ...options, meanwhile: numbers.takeAhead }),
    createVisitsModule(options),
    createBillingModule({ ...options, applyCredit }),
    createPaymentsModule(options),
    createLedgerModule(options),
    createDocumentsModule({ ...options, print }),
    createReportsModule({ ...options, print }),
    // Last of those that fill in: a number is taken when all else is known to be there.
    numbers,
  ];
}
