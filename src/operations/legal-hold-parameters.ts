// What the operations on legal holds take and give.

import type { ParametersParameter } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { LegalHold } from '../repository/legal-holds/hold-rows.ts';
import type { OperationCall, OperationParameter } from './operation.ts';
import { inputOf, output } from './terminology-inputs.ts';

export const reasonLengthMax = 1_000;

/** Throws 400 for what says nothing, or too much. */
export function reasonOf(call: OperationCall): string {
  const reason = (inputOf<string>(call, 'reason') ?? '').trim();
  if (reason !== '' && reason.length <= reasonLengthMax) return reason;
  throw fhirError('value', `"reason" is a text of 1 to ${reasonLengthMax} characters.`, {
    ...{ status: 400, expression: 'Parameters.parameter' },
  });
}

export function holdOutput(max: 1 | '*', documentation: string): OperationParameter {
  return {
    ...{ name: 'hold', use: 'out', min: max === 1 ? 1 : 0, max, documentation },
    parts: [
      output('id', 'id', 'Names it.', [1, 1]),
      output('patient', 'Reference', 'Who is held; absent: the whole clinic.'),
      output('reason', 'string', 'Why.'),
      output('at', 'instant', 'Since when.', [1, 1]),
      output('by', 'string', 'Who has set it.', [1, 1]),
      output('level', 'code', 'Who releases it: clinic, system or operator.', [1, 1]),
    ],
  };
}

export function describeHold({ id, patientId, reason, heldAt, heldBy, level }: LegalHold): ParametersParameter {
  return {
    name: 'hold',
    part: [
      { name: 'id', valueId: id },
      ...(patientId === undefined ? [] : [{ name: 'patient', valueReference: { reference: `Patient/${patientId}` } }]),
      ...(reason === undefined ? [] : [{ name: 'reason', valueString: reason }]),
      { name: 'at', valueInstant: heldAt.toISOString() },
      { name: 'by', valueString: heldBy },
      { name: 'level', valueCode: level },
    ],
  };
}
