// `$subsumes`: whether one code includes another: https://hl7.org/fhir/R4/codesystem-operation-subsumes.html

import type { Coding } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { subsumes as subsumption } from '../terminology/subsumes.ts';
import type { Operation, OperationCall } from './operation.ts';
import { input, inputOf, output, requireEveryOne, systemOf } from './terminology-inputs.ts';

const otherSystem =
  'The code system does not have to match the specified subsumption code system, but the relationships between the code systems must be well established';

export const subsumes: Operation = {
  code: 'subsumes',
  definition: {
    id: 'CodeSystem-subsumes',
    url: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes',
    name: 'Subsumes',
    title: 'Subsumption Testing',
    description:
      'Test the subsumption relationship between code/Coding A and code/Coding B given the semantics of subsumption in the underlying code system (see hierarchyMeaning).',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['CodeSystem'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input('codeA', 'code', 'The "A" code that is to be tested. If a code is provided, a system must be provided'),
    input('codeB', 'code', 'The "B" code that is to be tested. If a code is provided, a system must be provided'),
    input(
      'system',
      'uri',
      'The code system in which subsumption testing is to be performed. This must be provided unless the operation is invoked on a code system instance',
    ),
    input('version', 'string', 'The version of the code system, if one was provided in the source data'),
    input('codingA', 'Coding', `The "A" Coding that is to be tested. ${otherSystem}`),
    input('codingB', 'Coding', `The "B" Coding that is to be tested. ${otherSystem}`),
    output(
      'outcome',
      'code',
      'The subsumption relationship between code/Coding "A" and code/Coding "B". There are 4 possible codes to be returned (equivalent, subsumes, subsumed-by, and not-subsumed) as defined in the concept-subsumption-outcome value set. If the server is unable to determine the relationship between the codes/Codings, then it returns an error response with an OperationOutcome.',
      [1, 1],
    ),
  ],
  async run(session, call) {
    requireEveryOne(session, 'CodeSystem');
    const [a, b] = [codingOf(call, 'A'), codingOf(call, 'B')];
    const named = [inputOf<string>(call, 'system'), a.system, b.system].filter((one) => one !== undefined);
    if (call.id === '' && named.length === 0) {
      throw fhirError('required', '$subsumes needs the "system" of the codes.', { status: 400 });
    }
    const version = inputOf<string>(call, 'version') ?? a.version ?? b.version;
    const system = await systemOf(session, call, named[0], version);
    if (named.some((one) => one !== system.url)) {
      throw fhirError('invalid', 'Both codes have to be of the one code system that is asked.');
    }
    const outcome = await subsumption(session.trx, system, a.code, b.code);
    return { resource: { resourceType: 'Parameters', parameter: [{ name: 'outcome', valueCode: outcome }] } };
  },
};

function codingOf(call: OperationCall, letter: 'A' | 'B'): Coding & { readonly code: string } {
  const code = inputOf<string>(call, `code${letter}`);
  const coding = inputOf<Coding>(call, `coding${letter}`);
  const found = code ?? coding?.code;
  if (found !== undefined && (code === undefined || coding === undefined)) return { ...coding, code: found };
  throw fhirError('required', `Give one of "code${letter}" and "coding${letter}", with a code.`, {
    status: 400,
    expression: 'Parameters.parameter',
  });
}
