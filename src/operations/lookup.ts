// `$lookup`: what a code system says of a code: https://hl7.org/fhir/R4/codesystem-operation-lookup.html

import type { Coding } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { lookup as lookUpCode } from '../terminology/lookup.ts';
import { lookupParameters } from './lookup-parameters.ts';
import type { Operation } from './operation.ts';
import { inputOf, inputsOf, requireEveryOne, requireOneOf, requireToday, systemOf } from './terminology-inputs.ts';

export const lookup: Operation = {
  code: 'lookup',
  definition: {
    id: 'CodeSystem-lookup',
    url: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup',
    name: 'Lookup',
    title: 'Concept Look Up & Decomposition',
    description:
      'Given a code/system, or a Coding, get additional details about the concept, including definition, status, designations, and properties. Code systems are known as they are today: another `date` is refused.',
  },
  levels: ['type'],
  resourceTypes: ['CodeSystem'],
  affectsState: false,
  permission: 'r',
  parameters: lookupParameters,
  async run(session, call) {
    requireEveryOne(session, 'CodeSystem');
    requireToday(session, call);
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
