// Documents for patients: invoices, credit notes, receipts and cards, as PDF (domain.md `$render`, S5-23).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import type { Print } from './print.ts';
import { createRender } from './render.ts';

export interface DocumentsOptions {
  readonly settingsOf: SettingsOf;
  readonly print: Print;
}

export function createDocumentsModule({ settingsOf, print }: DocumentsOptions): Workflow {
  return { name: 'documents', operations: [createRender({ settingsOf, print })] };
}
