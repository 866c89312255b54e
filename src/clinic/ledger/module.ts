// The ledger: double entry, written once, exposed as it stands (domain.md 3).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';

export interface LedgerOptions {
  readonly settingsOf: SettingsOf;
}

export function createLedgerModule(_options: LedgerOptions): Workflow {
  return { name: 'ledger' };
}
