// The job behind a merge of a Patient with many resources, and behind its undoing: a batch in each transaction (domain.md J11).

import type { Task } from '@medplum/fhirtypes';
import { addToOutbox } from '../../jobs/outbox.ts';
import type { ModuleJob } from '../../repository/module.ts';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { lockMerge, markRunning } from './merge-rows.ts';
import { type MergeRecord, recordOf, updateTask } from './merge-task.ts';
import { repoint } from './repoint.ts';
import { undoing, undoStep } from './undo-step.ts';

const topic = 'patient.merge';
const batchMax = 200;

export const mergeJob: ModuleJob = {
  topic,
  consumer: 'patients.merge',
  async run({ id, resourceId: taskId }, session) {
    const row = await lockMerge(session, taskId);
    if (!row?.running) return;
    const version = await find(session, 'Task', taskId);
    const task = version && (parseBody(version) as Task | undefined);
    const record = recordOf(task);
    if (!record) throw new Error('A merge has no Task.');
    const isUndoing = task?.businessStatus?.text === undoing;
    const isDone = isUndoing ? await undoStep(session, record, batchMax) : await mergeStep(session, record);
    if (!isDone) goOn(session, taskId, id);
  },
};

/** Rings for the next batch; `step` is another one for each. */
export function goOn(session: Session, taskId: string, step: string): void {
  const eventKey = `${topic}-${taskId}-${step}`;
  addToOutbox(session.trx, [{ eventKey, topic, resourceType: 'Task', resourceId: taskId, newVersionId: 1 }]);
}

/** True when it was the last. */
async function mergeStep(session: Session, record: MergeRecord): Promise<boolean> {
  const changed = await repoint(session, record, batchMax);
  const isDone = changed.length < batchMax;
  const versions = [...record.versions, ...changed];
  await updateTask(session, record.taskId, { status: isDone ? 'completed' : 'in-progress', versions });
  if (isDone) markRunning(session, record.taskId, false);
  return isDone;
}
