// `Patient/$merge-undo`: a merge is taken back by the Task that it left, as far as nobody has changed its outcome since (domain.md `$merge`).

import type { Reference, Task } from '@medplum/fhirtypes';
import { requireOperation } from '../../access/may.ts';
import { fhirError, notFound } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import type { InputValue, Operation, OperationCall } from '../../operations/operation.ts';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { answerMerge, contentOf } from './answer-merge.ts';
import { mergeOutputs, mergeRight } from './merge.ts';
import { placeOf } from './merge-inputs.ts';
import { goOn } from './merge-job.ts';
import { lockMerge, lockPair, markRunning, requireFree } from './merge-rows.ts';
import { type MergeRecord, recordOf, updateTask } from './merge-task.ts';
import { undoing, undoStep } from './undo-step.ts';

const atOnceMax = 200;

export const mergeUndo: Operation = {
  code: 'merge-undo',
  definition: {
    id: 'Patient-merge-undo',
    url: 'https://hpms.example/fhir/OperationDefinition/Patient-merge-undo',
    name: 'PatientMergeUndo',
    title: 'Undo a merge of two Patients',
    description:
      'Takes a completed $merge back, for clinic administrators: the source is active again, and what the merge changed is as it was before. Resources that somebody has changed since stay as they are: the outcome and the Task name them.',
  },
  levels: ['type'],
  resourceTypes: ['Patient'],
  affectsState: true,
  permission: 'u',
  parameters: [
    {
      ...{ name: 'task', use: 'in', min: 1, max: 1, type: 'Reference' },
      documentation: 'The Task that $merge gave.',
    },
    ...mergeOutputs,
  ],
  async run(session, call) {
    requireOperation(session.caller, mergeRight);
    const taskId = taskIdOf(call);
    const row = await lockMerge(session, taskId);
    const record = await readRecord(session, taskId);
    if (!row) throw fhirError('conflict', 'This merge was taken back already.', { expression: placeOf('task') });
    await lockPair(session, record);
    await requireFree(session, record, taskId);
    return await undo(session, record);
  },
};

function taskIdOf({ inputs, baseUrl }: OperationCall): string {
  const [given] = inputs.get('task') as readonly [InputValue];
  const { reference = '' } = given.value as Reference;
  const target = parseReference(reference, baseUrl);
  if (target.kind === 'resource' && target.type === 'Task') return target.id;
  throw fhirError('value', 'The task is a reference such as Task/1.', { status: 400, expression: placeOf('task') });
}

async function readRecord(session: Session, taskId: string): Promise<MergeRecord> {
  const version = await find(session, 'Task', taskId);
  const record = recordOf(version && (parseBody(version) as Task | undefined));
  if (!record) throw notFound('Task', taskId);
  return record;
}

async function undo(session: Session, record: MergeRecord) {
  const { taskId, sourceId, targetId, versions } = record;
  // The two Patients are the first of them.
  const isAtOnce = versions.length - 2 <= atOnceMax;
  if (isAtOnce) await undoStep(session, record, atOnceMax);
  else {
    await updateTask(session, taskId, { status: 'in-progress', versions, businessStatus: undoing });
    markRunning(session, taskId, true);
    goOn(session, taskId, 'undo');
  }
  const [task, { target }] = [await find(session, 'Task', taskId), await lockPair(session, record)];
  const told = isAtOnce
    ? `The merge of Patient/${sourceId} into Patient/${targetId} was taken back.`
    : `The merge of Patient/${sourceId} into Patient/${targetId} is being taken back: see the Task.`;
  const content = contentOf(String(task?.body));
  const left = recordOf(content.resource as Task)?.left ?? [];
  return answerMerge({ told: [told, ...tellOfLeft(left, targetId)], result: target, task: content });
}

const namedMax = 20;

/** Who took two people for one looks through what has gone on since, for nobody else can say whose it is. */
function tellOfLeft(left: readonly string[], targetId: string): string[] {
  if (left.length === 0) return [];
  const named = left.slice(0, namedMax).join(', ');
  const more = left.length > namedMax ? ` and ${left.length - namedMax} more, which the Task names` : '';
  return [`Changed since, and so left about Patient/${targetId}: ${named}${more}. See whose they are.`];
}
