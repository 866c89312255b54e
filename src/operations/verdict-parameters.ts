// What the $validate-code operations answer: https://hl7.org/fhir/R4/valueset-operation-validate-code.html

import type { Parameters } from '@medplum/fhirtypes';
import type { Verdict } from '../terminology/validate-code.ts';

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
