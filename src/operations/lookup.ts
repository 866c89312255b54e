// `$lookup`: what a code system says of a code: https://hl7.org/fhir/R4/codesystem-operation-lookup.html

import type { Coding } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { lookup as lookUpCode } from '../terminology/lookup.ts';
import type { Operation } from './operation.ts';
import { input, inputOf, inputsOf, output, requireOneOf, systemOf } from './terminology-inputs.ts';

export const lookup: Operation = {
  code: 'lookup',
  definition: {
    id: 'CodeSystem-lookup',
    url: 'https://hpms.example/fhir/OperationDefinition/CodeSystem-lookup',
    base: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup',
    name: 'Lookup',
    title: 'Concept Look Up & Decomposition',
    description:
      'Given a code/system, or a Coding, get additional details about the concept, including definition, status, designations, and properties. The parameter `date` is not offered: code systems are known as they are now.',
  },
  levels: ['type'],
  resourceTypes: ['CodeSystem'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input('code', 'code', 'The code that is to be located. If a code is provided, a system must be provided'),
    input('system', 'uri', 'The system for the code that is to be located'),
    input('version', 'string', 'The version of the system, if one was provided in the source data'),
    input('coding', 'Coding', 'A coding to look up'),
    input('displayLanguage', 'code', 'The requested language for display'),
    input('property', 'code', 'A property that the client wishes to be returned in the output; none means all', '*'),
    output('name', 'string', 'A display name for the code system', [1, 1]),
    output('version', 'string', 'The version that these details are based on'),
    output('display', 'string', 'The preferred display for this concept', [1, 1]),
    {
      ...{ name: 'designation', use: 'out', min: 0, max: '*', documentation: 'Additional representations' },
      parts: [
        output('language', 'code', 'The language this designation is defined for'),
        output('use', 'Coding', 'A code that details how this designation would be used'),
        output('value', 'string', 'The text value for this designation', [1, 1]),
      ],
    },
    {
      ...{ name: 'property', use: 'out', min: 0, max: '*', documentation: 'One or more properties of the concept' },
      parts: [
        output('code', 'code', 'Identifies the property returned', [1, 1]),
        output('value', 'Element', 'The value of the property returned'),
        output('description', 'string', 'Human Readable representation of the property value'),
      ],
    },
  ],
  async run(session, call) {
    requireOneOf(call, ['code', 'coding']);
    const coding = inputOf<Coding>(call, 'coding');
    const system = coding ? coding.system : inputOf<string>(call, 'system');
    const code = coding ? coding.code : inputOf<string>(call, 'code');
    if (system === undefined || code === undefined) {
      throw fhirError('required', '$lookup needs a code with its system.', { status: 400 });
    }
    const version = coding?.version ?? inputOf<string>(call, 'version');
    const found = await systemOf(session, call, system, version);
    const displayLanguage = inputOf<string>(call, 'displayLanguage');
    const properties = inputsOf<string>(call, 'property');
    return { resource: await lookUpCode(session.trx, found, { code, displayLanguage, properties }) };
  },
};
