// Patients: who is registered twice, who is meant, and who is one and the same (contract.md 6, domain.md `$match`, `$merge`).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';

export interface PatientsOptions {
  readonly settingsOf: SettingsOf;
}

export function createPatientsModule(_options: PatientsOptions): Workflow {
  return { name: 'patients' };
}
