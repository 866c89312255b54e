// The Task of a merge: who became whom, and each version it made, which is what an undoing goes by.

import type { Reference, Task } from '@medplum/fhirtypes';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import type { MergePair } from './merge-inputs.ts';
import { mergeCode, taskCodeSystem } from './task-codes.ts';

export interface MergeRecord extends MergePair {
  readonly taskId: string;
  /** `Type/id/_history/n`, in the order in which they were made: the source and the target first. */
  readonly versions: readonly string[];
  /** `Type/id` of what an undoing has left as it was, for somebody has changed it since. */
  readonly left: readonly string[];
  readonly isDone: boolean;
}

export function newTask({ caller, at }: Session, record: MergeRecord): Task {
  const { sourceId, targetId, taskId } = record;
  const source = { reference: `Patient/${sourceId}` };
  const target = { reference: `Patient/${targetId}` };
  return {
    resourceType: 'Task',
    id: taskId,
    status: record.isDone ? 'completed' : 'in-progress',
    intent: 'order',
    code: { coding: [{ system: taskCodeSystem, code: mergeCode }] },
    description: 'Two records of one patient are merged: what was about the source is about the target.',
    focus: source,
    for: target,
    authoredOn: at.toISOString(),
    lastModified: at.toISOString(),
    requester: caller.agent as NonNullable<Task['requester']>,
    input: [
      { type: { text: 'source-patient' }, valueReference: source },
      { type: { text: 'target-patient' }, valueReference: target },
    ],
    output: outputOf(record),
  };
}

const changedText = 'changed';
const leftText = 'left as it is';

function outputOf({ versions, left }: Pick<MergeRecord, 'versions' | 'left'>): NonNullable<Task['output']> {
  const named = (text: string) => (reference: string) => ({ type: { text }, valueReference: { reference } });
  return [...versions.map(named(changedText)), ...left.map(named(leftText))];
}

/** Undefined for a Task that is not of a merge. */
export function recordOf(task: Task | undefined): MergeRecord | undefined {
  if (!task?.code?.coding?.some(({ system, code }) => system === taskCodeSystem && code === mergeCode))
    return undefined;
  const outputs = (text: string) =>
    (task.output ?? []).flatMap(({ type, valueReference }) =>
      type.text === text ? (valueReference?.reference ?? []) : [],
    );
  const idOf = (reference: Reference | undefined) => reference?.reference?.replace('Patient/', '') ?? '';
  return {
    taskId: task.id ?? '',
    sourceId: idOf(task.focus),
    targetId: idOf(task.for),
    versions: outputs(changedText),
    left: outputs(leftText),
    isDone: task.status === 'completed',
  };
}

export interface TaskProgress {
  readonly status: Task['status'];
  readonly versions: readonly string[];
  readonly left?: readonly string[];
  /** Said of an undoing; absent while it merges. */
  readonly businessStatus?: string;
}

/** Gives the JSON text of the Task as it is then. */
export async function updateTask(session: Session, taskId: string, progress: TaskProgress): Promise<string> {
  const { status, versions, left = [], businessStatus } = progress;
  const apply = ({ resource }: { resource: object }) => {
    const { output: _output, businessStatus: _business, ...rest } = resource as Task;
    const output = outputOf({ versions, left });
    const next: Task = {
      ...rest,
      status,
      lastModified: session.at.toISOString(),
      ...(businessStatus !== undefined && { businessStatus: { text: businessStatus } }),
      ...(output.length > 0 && { output }),
    };
    return { resource: next };
  };
  const [written] = await writeOwn(session, [{ action: 'patch', type: 'Task', id: taskId, apply }]);
  return written?.json ?? '';
}
