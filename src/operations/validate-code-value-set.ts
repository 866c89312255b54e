// `$validate-code` of a value set: https://hl7.org/fhir/R4/valueset-operation-validate-code.html

import { fhirError } from '../fhir/outcome.ts';
import { type Verdict, validateInValueSet } from '../terminology/validate-code.ts';
import type { Operation } from './operation.ts';
import { checksOf, requireEveryOne, requireToday, valueSetOf } from './terminology-inputs.ts';
import { valueSetCodeParameters } from './value-set-code-parameters.ts';
import { verdictParameters } from './verdict-parameters.ts';

export const validateCodeValueSet: Operation = {
  code: 'validate-code',
  definition: {
    id: 'ValueSet-validate-code',
    url: 'http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code',
    name: 'Value Set based Validation',
    title: 'Value Set based Validation',
    description:
      'Validate that a coded value is in the set of codes allowed by a value set. Of a concept one of its codings is enough. Definitions are known as they are today: another `date` is refused. A `context` is [StructureDefinition URL]#[name or path of an element].',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['ValueSet'],
  affectsState: false,
  permission: 'r',
  parameters: valueSetCodeParameters,
  async run(session, call) {
    requireEveryOne(session, 'ValueSet');
    requireToday(session, call);
    const checks = checksOf(call, 'system', 'systemVersion');
    // "If a code is provided, a system or a context must be provided".
    if (!call.inputs.has('context') && checks.some(({ system }) => system === undefined)) {
      throw fhirError('required', 'A code is known by its system; give that too, or a context.', { status: 400 });
    }
    const valueSet = await valueSetOf(session, call);
    const verdicts: Verdict[] = [];
    for (const check of checks) {
      // "If a context is provided, then the server SHALL ensure that the code is not ambiguous without a system."
      const isUnambiguous = check.system === undefined;
      verdicts.push(await validateInValueSet(session.trx, valueSet, { ...check, isUnambiguous }));
    }
    return { resource: verdictParameters(verdicts) };
  },
};
