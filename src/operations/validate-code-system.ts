// `$validate-code` of a code system: https://hl7.org/fhir/R4/codesystem-operation-validate-code.html

import { fhirError } from '../fhir/outcome.ts';
import type { Session } from '../repository/session.ts';
import { findSystem } from '../terminology/find-system.ts';
import type { StoredSystem } from '../terminology/stored-concept.ts';
import { type CodeCheck, type Verdict, validateInSystem } from '../terminology/validate-code.ts';
import type { Operation, OperationCall } from './operation.ts';
import { checksOf, input, inputOf, systemOf } from './terminology-inputs.ts';
import { checkParameters, verdictParameters } from './verdict-parameters.ts';

export const validateCodeSystem: Operation = {
  code: 'validate-code',
  definition: {
    id: 'CodeSystem-validate-code',
    url: 'https://hpms.example/fhir/OperationDefinition/CodeSystem-validate-code',
    base: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code',
    name: 'Validate Code',
    title: 'Code System based Validation',
    description:
      'Validate that a coded value is in the code system. The parameters `codeSystem` and `date` are not offered: store the code system to have codes validated against it.',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['CodeSystem'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input('url', 'uri', 'CodeSystem URL; where it is left out, that of the coding counts'),
    input('code', 'code', 'The code that is to be validated'),
    input('version', 'string', 'The version of the code system, if one was provided in the source data'),
    ...checkParameters,
  ],
  async run(session, call) {
    const verdicts: Verdict[] = [];
    for (const check of checksOf(call, 'url', 'version')) verdicts.push(await verdictOf(session, call, check));
    return { resource: verdictParameters(verdicts) };
  },
};

async function verdictOf(session: Session, call: OperationCall, check: CodeCheck): Promise<Verdict> {
  const system = await systemMeant(session, call, check);
  const no = (message: string): Verdict => ({ result: false, isCertain: system !== undefined, message });
  if (!system) return no(`The code system ${check.system} is not here${check.version ? ' in this version' : ''}.`);
  if (check.system !== undefined && check.system !== system.url) return no(`The code is not of ${system.url}.`);
  if (check.version !== undefined && check.version !== system.version) {
    return no(`This is version ${system.version} of ${system.url}.`);
  }
  return await validateInSystem(session.trx, system, check);
}

/** That of the URL, of the input, or of the coding. */
async function systemMeant(session: Session, call: OperationCall, check: CodeCheck): Promise<StoredSystem | undefined> {
  const url = inputOf<string>(call, 'url');
  const expression = 'Parameters.parameter';
  if (call.id !== '') {
    if (url === undefined) return await systemOf(session, call, undefined, undefined);
    throw fhirError('invalid', 'Leave out "url": the URL names the code system.', { expression });
  }
  const wanted = url ?? check.system;
  if (wanted !== undefined) return await findSystem(session.trx, wanted, check.version);
  throw fhirError('required', 'Say with "url", or with the system of the coding, which code system is meant.', {
    ...{ status: 400, expression },
  });
}
