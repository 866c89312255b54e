// The ledger: double entry, written once, exposed as it stands (domain.md 3).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { createAccountLedger } from './account-ledger.ts';
import { keepLedgerAccounts, storeLedgerAccounts } from './ledger-accounts.ts';
import { createBalanceRule, refuseLedgerWrites } from './ledger-writes.ts';
import { createShowBalances } from './show-balances.ts';
import { createTrialBalance } from './trial-balance.ts';

export interface LedgerOptions {
  readonly settingsOf: SettingsOf;
}

export function createLedgerModule({ settingsOf }: LedgerOptions): Workflow {
  return {
    name: 'ledger',
    prepare: [refuseLedgerWrites, createBalanceRule(settingsOf)],
    guards: [keepLedgerAccounts],
    effects: [storeLedgerAccounts],
    shows: [createShowBalances(settingsOf)],
    operations: [createAccountLedger(settingsOf), createTrialBalance(settingsOf)],
  };
}
