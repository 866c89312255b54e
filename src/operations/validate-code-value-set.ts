// `$validate-code` of a value set: https://hl7.org/fhir/R4/valueset-operation-validate-code.html

import { fhirError } from '../fhir/outcome.ts';
import { type Verdict, validateInValueSet } from '../terminology/validate-code.ts';
import type { Operation } from './operation.ts';
import { checksOf, input, valueSetOf } from './terminology-inputs.ts';
import { checkParameters, verdictParameters } from './verdict-parameters.ts';

export const validateCodeValueSet: Operation = {
  code: 'validate-code',
  definition: {
    id: 'ValueSet-validate-code',
    url: 'https://hpms.example/fhir/OperationDefinition/ValueSet-validate-code',
    base: 'http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code',
    name: 'Value Set based Validation',
    title: 'Value Set based Validation',
    description:
      'Validate that a coded value is in the set of codes allowed by a value set. The parameters `context` and `date` are not offered.',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['ValueSet'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input('url', 'uri', 'Value set canonical URL; the version may follow behind a bar'),
    input('valueSet', 'ValueSet', 'The value set is provided directly as part of the request'),
    input('valueSetVersion', 'string', 'The version of the value set to be used'),
    input('code', 'code', 'The code that is to be validated; its system must be provided'),
    input('system', 'uri', 'The system for the code that is to be validated'),
    input('systemVersion', 'string', 'The version of the system, if one was provided in the source data'),
    ...checkParameters,
  ],
  async run(session, call) {
    const checks = checksOf(call, 'system', 'systemVersion');
    if (checks.some(({ system }) => system === undefined)) {
      throw fhirError('required', 'A code is known by its system; give that too.', { status: 400 });
    }
    const valueSet = await valueSetOf(session, call);
    const verdicts: Verdict[] = [];
    for (const check of checks) verdicts.push(await validateInValueSet(session.trx, valueSet, check));
    return { resource: verdictParameters(verdicts) };
  },
};
