// What the $validate-code operations take and answer: https://hl7.org/fhir/R4/valueset-operation-validate-code.html

import type { Parameters } from '@medplum/fhirtypes';
import type { Verdict } from '../terminology/validate-code.ts';
import type { OperationParameter } from './operation.ts';
import { input, output } from './terminology-inputs.ts';

/** Of a concept one of its codings is enough. */
export function verdictParameters(verdicts: readonly Verdict[]): Parameters {
  const verdict = verdicts.find(({ result }) => result) ?? verdicts[0];
  const { result, message, display } = verdict ?? { result: false, message: 'There is no code to check.' };
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'result', valueBoolean: result },
      ...(message === undefined ? [] : [{ name: 'message', valueString: message }]),
      ...(display === undefined ? [] : [{ name: 'display', valueString: display }]),
    ],
  };
}

/** Besides the code with its system and version, which are called differently. */
export const checkParameters: readonly OperationParameter[] = [
  input('display', 'string', 'The display associated with the code, if provided, to be validated too'),
  input('coding', 'Coding', 'A coding to validate'),
  input('codeableConcept', 'CodeableConcept', 'A full codeableConcept to validate: one of its codings is enough'),
  input('abstract', 'boolean', 'True where a concept that only groups others is appropriate'),
  input('displayLanguage', 'code', 'Specifies the language to be used for the display'),
  output('result', 'boolean', 'True if the concept details supplied are valid', [1, 1]),
  output('message', 'string', 'Why the result is false'),
  output('display', 'string', 'A valid display for the concept if the system wishes to display this to a user'),
];
