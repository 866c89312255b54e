// Reports on money, from the ledger's typed rows alone: no report opens a resource for its figures (domain.md D10, S4-Q4, S4-Q5).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import type { Print } from '../documents/print.ts';
import { createAging } from './aging.ts';
import { createEvaluateMeasure } from './evaluate-measure.ts';
import { createStatement } from './statement.ts';

export interface ReportsOptions {
  readonly settingsOf: SettingsOf;
  readonly print: Print;
}

export function createReportsModule({ settingsOf, print }: ReportsOptions): Workflow {
  return {
    name: 'reports',
    operations: [createAging(settingsOf), createStatement({ settingsOf, print }), createEvaluateMeasure(settingsOf)],
  };
}
