// Numbers of patients and appointments, given by the server as the clinic writes them (contract.md 45).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';

export interface NumbersOptions {
  readonly settingsOf: SettingsOf;
}

export function createNumbersModule(_options: NumbersOptions): Workflow {
  return { name: 'numbers' };
}
