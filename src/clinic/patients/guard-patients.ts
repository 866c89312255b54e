// What nobody may do: change a Patient that was merged into another, delete one whose money is in the books (domain.md D12), or
// say what a merge has changed.

import type { Patient, Task } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import { isReplaced } from './candidates.ts';
import { lastTargets, mergedInto } from './merge-rows.ts';
import { recordOf } from './merge-task.ts';

/** Later writes go to the Patient that goes on. A link alone, which anybody can import, is no merge. */
export const refuseMerged: Rule<void> = {
  name: 'merged-patient',
  type: 'Patient',
  async run(changes, session) {
    const replaced = changes.filter(({ byServer, oldResource }) => !byServer && isReplaced(oldResource as Patient));
    if (replaced.length === 0) return;
    const targets = await lastTargets(
      session,
      replaced.map(({ id }) => id),
    );
    for (const { id, index } of replaced) {
      const targetId = targets.get(id);
      if (targetId !== undefined) throw mergedInto({ sourceId: id, targetId }, index);
    }
  },
};

/** An undoing goes by what the server has written into the Task. */
export const refuseMergeTasks: Rule<void> = {
  name: 'merge-task',
  type: 'Task',
  run(changes) {
    for (const { byServer, oldResource, index } of changes) {
      if (byServer || !recordOf(oldResource as Task | undefined)) continue;
      throw fhirError('business-rule', 'The Task of a merge is kept by the server; see $merge and $merge-undo.', {
        expression: 'Task.code',
        writeIndex: index,
      });
    }
  },
};

const financialTypes = ['Invoice', 'PaymentReconciliation', 'Account'];

export const refuseDeletion: Rule<void> = {
  name: 'patient-with-finances',
  type: 'Patient',
  async run(changes, { trx }) {
    const deleted = changes.filter(({ action, byServer }) => action === 'delete' && !byServer);
    if (deleted.length === 0) return;
    const rows = await trx.query<{ id: string; type: string }>({
      name: 'finances-of-patients',
      text: `SELECT target_id AS id, min(source_type) AS type FROM reference
             WHERE target_type = 'Patient' AND target_id = ANY ($1) AND source_type = ANY ($2) GROUP BY target_id`,
      values: [deleted.map(({ id }) => id), financialTypes],
    });
    for (const { id, type } of rows) throw inTheBooks(type, deleted.find((change) => change.id === id) as Change);
  },
};

function inTheBooks(type: string, { index }: Change): Error {
  const diagnostics = `A Patient with financial records (${type}) is not deleted; set Patient.active to false.`;
  return fhirError('conflict', diagnostics, { expression: 'Patient', writeIndex: index });
}
