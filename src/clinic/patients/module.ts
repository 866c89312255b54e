// Patients: who is registered twice, who is meant, and who is one and the same (contract.md 6, domain.md `$match`, `$merge`).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { createDuplicateCheck } from './check-duplicates.ts';
import { refuseDeletion, refuseMerged, refuseMergeTasks } from './guard-patients.ts';
import { match } from './match.ts';
import { merge } from './merge.ts';
import { mergeJob } from './merge-job.ts';
import { mergeUndo } from './merge-undo.ts';
import { createReplacedCheck } from './refuse-replaced.ts';

export interface PatientsOptions {
  readonly settingsOf: SettingsOf;
}

export function createPatientsModule({ settingsOf }: PatientsOptions): Workflow {
  const duplicates = createDuplicateCheck(settingsOf);
  const replaced = createReplacedCheck();
  return {
    name: 'patients',
    prepare: replaced.prepare,
    guards: [refuseMerged, refuseDeletion, refuseMergeTasks, ...replaced.guards, ...duplicates.guards],
    effects: [...replaced.effects, ...duplicates.effects],
    operations: [match, merge, mergeUndo],
    jobs: [mergeJob],
  };
}
