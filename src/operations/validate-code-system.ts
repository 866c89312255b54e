// `$validate-code` of a code system: https://hl7.org/fhir/R4/codesystem-operation-validate-code.html

import type { CodeSystem } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import type { Session } from '../repository/session.ts';
import { findSystem } from '../terminology/find-system.ts';
import { readCodeSystem } from '../terminology/read-code-system.ts';
import type { SourceSystem } from '../terminology/source-system.ts';
import type { StoredSystem } from '../terminology/stored-concept.ts';
import {
  type CodeCheck,
  type Verdict,
  validateByGrammar,
  validateInSource,
  validateInSystem,
} from '../terminology/validate-code.ts';
import { codeSystemCodeParameters } from './code-system-code-parameters.ts';
import type { Operation, OperationCall } from './operation.ts';
import { checksOf, inputOf, requireEveryOne, requireOneOf, requireToday, systemOf } from './terminology-inputs.ts';
import { verdictParameters } from './verdict-parameters.ts';

export const validateCodeSystem: Operation = {
  code: 'validate-code',
  definition: {
    id: 'CodeSystem-validate-code',
    url: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code',
    name: 'Validate Code',
    title: 'Code System based Validation',
    description:
      'Validate that a coded value is in the code system. Without `url` and `codeSystem` the system of the coding counts; of a concept one of its codings is enough. Definitions are known as they are today: another `date` is refused.',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['CodeSystem'],
  affectsState: false,
  permission: 'r',
  parameters: codeSystemCodeParameters,
  async run(session, call) {
    requireEveryOne(session, 'CodeSystem');
    requireToday(session, call);
    const verdicts: Verdict[] = [];
    for (const check of checksOf(call, 'url', 'version')) verdicts.push(await verdictOf(session, call, check));
    return { resource: verdictParameters(verdicts) };
  },
};

async function verdictOf(session: Session, call: OperationCall, check: CodeCheck): Promise<Verdict> {
  const given = inputOf<CodeSystem>(call, 'codeSystem');
  const meant = given ? sourceOf(given, call) : await systemMeant(session, call, check);
  const no = (message: string): Verdict => ({ result: false, isCertain: meant !== undefined, message });
  if (!meant) return byGrammar(call, check) ?? no(notHere(check));
  if (check.system !== undefined && check.system !== meant.url) return no(`The code is not of ${meant.url}.`);
  if (check.version !== undefined && check.version !== meant.version) {
    return no(`This is version ${meant.version} of ${meant.url}.`);
  }
  return 'concepts' in meant
    ? await validateInSource(session.trx, meant, check)
    : await validateInSystem(session.trx, meant, check);
}

/** Of a grammar there is one version, the one that is in use. */
function byGrammar(call: OperationCall, check: CodeCheck): Verdict | undefined {
  const { system, version } = check;
  const isMeant = [undefined, system].includes(inputOf<string>(call, 'url'));
  return isMeant && version === undefined && system !== undefined ? validateByGrammar(system, check) : undefined;
}

function notHere({ system, version }: CodeCheck): string {
  return `The code system ${system} is not here${version ? ' in this version' : ''}.`;
}

const expression = 'Parameters.parameter';

/** "The codeSystem is provided directly as part of the request." */
function sourceOf(given: CodeSystem, call: OperationCall): SourceSystem {
  requireOneOf(call, ['url', 'codeSystem']);
  const source = readCodeSystem(given);
  if (source) return source;
  throw fhirError('required', 'The "codeSystem" needs a url, and the concepts that codes are looked for among.', {
    ...{ status: 400, expression },
  });
}

/** That of the URL, of the input, or of the coding. */
async function systemMeant(session: Session, call: OperationCall, check: CodeCheck): Promise<StoredSystem | undefined> {
  const url = inputOf<string>(call, 'url');
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
