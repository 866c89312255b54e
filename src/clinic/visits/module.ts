// Visits: an Appointment and its Encounter move together, and those who wait have a number (domain.md SM-1, SM-1b).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';

export interface VisitsOptions {
  readonly settingsOf: SettingsOf;
}

export function createVisitsModule(_options: VisitsOptions): Workflow {
  return { name: 'visits' };
}
