// What `$merge` and `$merge-undo` answer: an OperationOutcome, the Patient, and the Task, with the texts of their numbers.

import type { OperationOutcome, Parameters, Resource } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import type { Content } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';

export interface MergeAnswer {
  readonly told: readonly string[];
  readonly result?: Content;
  readonly task?: Content;
}

export function answerMerge({ told, result, task }: MergeAnswer): Content {
  const outcome: OperationOutcome = {
    resourceType: 'OperationOutcome',
    issue: told.map((diagnostics) => ({ severity: 'information', code: 'informational', diagnostics })),
  };
  const parts: Content[] = [{ resource: outcome }, ...(result ? [result] : []), ...(task ? [task] : [])];
  const names = ['outcome', ...(result ? ['result'] : []), ...(task ? ['task'] : [])];
  const parameter = parts.map(({ resource, exactNumbers }, index) => ({
    name: names[index] ?? '',
    resource: markExact(resource, exactNumbers) as Resource,
  }));
  const marked: Parameters = { resourceType: 'Parameters', parameter };
  const exactNumbers = findExact(marked);
  return { resource: unmarkExact(marked) as Parameters, ...(exactNumbers.size > 0 && { exactNumbers }) };
}

/** Of a stored JSON text. */
export function contentOf(json: string): Content {
  const { value, exactNumbers } = parseJson(json);
  return { resource: value as Resource, ...(exactNumbers && { exactNumbers }) };
}
