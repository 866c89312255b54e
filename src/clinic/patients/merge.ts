// `Patient/$merge`: two records of one person become one, and what was about the first is about the second (domain.md `$merge`):
// https://build.fhir.org/patient-operation-merge.html

import type { Patient } from '@medplum/fhirtypes';
import { requireOperation } from '../../access/may.ts';
import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationCall, OperationParameter } from '../../operations/operation.ts';
import type { Content } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import { answerMerge, contentOf } from './answer-merge.ts';
import { lockNaming } from './lock-naming.ts';
import { mergedTarget, replacedSource } from './merge-content.ts';
import { type MergePair, placeOf, readPair } from './merge-inputs.ts';
import { goOn } from './merge-job.ts';
import { insertMerge, lockPair, requireFree } from './merge-rows.ts';
import { newTask } from './merge-task.ts';
import { countReferring, repoint } from './repoint.ts';

/** More are re-pointed by a job. */
const atOnceMax = 200;

/** Of the right that a clinic administrator has (src/people/roles.ts). */
export const mergeRight = '$merge';

const input = (name: string, type: string, max: 1 | '*', documentation: string): OperationParameter => ({
  ...{ name, use: 'in', min: 0, max, type, documentation },
});
const output = (name: string, type: string, documentation: string): OperationParameter => ({
  ...{ name, use: 'out', min: 0, max: 1, type, documentation },
});

export const mergeOutputs: readonly OperationParameter[] = [
  output('outcome', 'OperationOutcome', 'What was done, or with preview would be done.'),
  output('result', 'Patient', 'The Patient that goes on, as it is now, or with preview would be.'),
  output(
    'task',
    'Task',
    'Keeps what was changed, for $merge-undo; in progress while many resources are changed by a job.',
  ),
];

export const merge: Operation = {
  code: 'merge',
  definition: {
    id: 'Patient-merge',
    url: 'https://hpms.example/fhir/OperationDefinition/Patient-merge',
    name: 'PatientMerge',
    title: 'Merge two Patient resources',
    description:
      'Merges two active Patients of the clinic, for clinic administrators: the source becomes inactive with a link replaced-by, the target gets a link replaces and the identifiers of the source with the use old, and every resource that refers to the source refers to the target, in a new version. What was signed and the postings of the ledger stay as they are; the money of both is one person’s. Later writes to the source are refused. See $merge-undo.',
  },
  levels: ['type'],
  resourceTypes: ['Patient'],
  affectsState: true,
  permission: 'u',
  parameters: [
    input('source-patient', 'Reference', 1, 'The Patient that ends.'),
    input(
      'source-patient-identifier',
      'Identifier',
      '*',
      'Identifiers that the source, and no other Patient, has all of.',
    ),
    input('target-patient', 'Reference', 1, 'The Patient that goes on.'),
    input(
      'target-patient-identifier',
      'Identifier',
      '*',
      'Identifiers that the target, and no other Patient, has all of.',
    ),
    input(
      'result-patient',
      'Patient',
      1,
      'What the target is to become; links and identifiers of the merge are added.',
    ),
    input('preview', 'boolean', 1, 'When true nothing is changed: the answer says what would be.'),
    ...mergeOutputs,
  ],
  async run(session, call) {
    requireOperation(session.caller, mergeRight);
    const pair = await readPair(session, call);
    const { source, target } = await lockPair(session, pair);
    lockNaming(session, pair.sourceId);
    await requireFree(session, pair);
    requireActive(source, 'source-patient');
    requireActive(target, 'target-patient');
    const result = mergedTarget(target, source.resource as Patient, resultOf(call, pair));
    if (call.inputs.get('preview')?.[0]?.value === true) return await preview(session, pair, result);
    return await mergePair(session, pair, { source, result });
  },
};

function requireActive({ resource }: Content, name: string): void {
  if ((resource as Patient).active !== false) return;
  throw fhirError('business-rule', `The ${name} is not active.`, { expression: placeOf(name) });
}

/** Keeps the id of the target, which the write path owns anyway. */
function resultOf({ inputs }: OperationCall, { targetId }: MergePair): Content | undefined {
  const [given] = inputs.get('result-patient') ?? [];
  if (!given) return undefined;
  const resource = given.value as Patient;
  if (resource.id !== undefined && resource.id !== targetId) {
    throw fhirError('business-rule', 'The result-patient has the id of the target-patient.', {
      expression: `${placeOf('result-patient')}.resource.id`,
    });
  }
  return { resource, ...(given.exactNumbers && { exactNumbers: given.exactNumbers }) };
}

async function preview(session: Session, { sourceId, targetId }: MergePair, result: Content): Promise<Content> {
  const counts = await countReferring(session, sourceId);
  const listed = [...counts].map(([type, count]) => `${count} ${type}`).join(', ') || 'none';
  const told = [
    'Nothing was changed: this is a preview.',
    `Patient/${sourceId} would become inactive, replaced by Patient/${targetId}.`,
    `Resources that would refer to Patient/${targetId} then: ${listed}.`,
  ];
  return answerMerge({ told, result });
}

async function mergePair(
  session: Session,
  pair: MergePair,
  { source, result }: { readonly source: Content; readonly result: Content },
): Promise<Content> {
  const { sourceId, targetId } = pair;
  const taskId = newId(session.at.getTime());
  const patients = await writeOwn(session, [
    { action: 'update', id: sourceId, ...replacedSource(source, targetId) },
    { action: 'update', id: targetId, ...result },
  ]);
  const changed = await repoint(session, pair, atOnceMax);
  const isDone = changed.length < atOnceMax;
  const versions = [...patients.map(({ type, id, versionId }) => `${type}/${id}/_history/${versionId}`), ...changed];
  const resource = newTask(session, { ...pair, taskId, versions, left: [], isDone });
  const [task] = await writeOwn(session, [{ action: 'create', id: taskId, resource }]);
  insertMerge(session, { ...pair, taskId, running: !isDone });
  if (!isDone) goOn(session, taskId, 'begin');
  const rest = isDone ? '' : ' More follow: see the Task.';
  return answerMerge({
    told: [`Patient/${sourceId} was merged into Patient/${targetId}; ${changed.length} resources were changed.${rest}`],
    result: contentOf(patients[1]?.json ?? ''),
    task: contentOf(task?.json ?? ''),
  });
}
