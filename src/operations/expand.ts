// `$expand`: the codes of a value set: https://hl7.org/fhir/R4/valueset-operation-expand.html

import type { ValueSetExpansionParameter } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { expand as expandValueSet, expansionMax } from '../terminology/expand.ts';
import type { Operation, OperationCall } from './operation.ts';
import { input, inputOf, inputsOf, output, valueSetOf } from './terminology-inputs.ts';

const most = expansionMax.toLocaleString('en');

export const expand: Operation = {
  code: 'expand',
  definition: {
    id: 'ValueSet-expand',
    url: 'https://hpms.example/fhir/OperationDefinition/ValueSet-expand',
    base: 'http://hl7.org/fhir/OperationDefinition/ValueSet-expand',
    name: 'Value Set Expansion',
    title: 'Value Set Expansion',
    description: `The definition of a value set is used to create a simple collection of codes suitable for use for data entry or validation. Of more than ${most} codes pages are given (\`offset\`, \`count\`). The parameters \`context\`, \`contextDirection\` and \`date\` are not offered.`,
  },
  levels: ['type', 'instance'],
  resourceTypes: ['ValueSet'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input('url', 'uri', 'A canonical reference to a value set; the version may follow behind a bar'),
    input('valueSet', 'ValueSet', 'The value set is provided directly as part of the request'),
    input('valueSetVersion', 'string', 'The version of the value set to be used'),
    input('filter', 'string', 'Words, in any order, that the display or a designation begins words with; or a code'),
    input('offset', 'integer', 'Where to start if a subset is desired (default = 0)'),
    input('count', 'integer', `How many codes should be provided in a partial page view; at most ${most}`),
    input('includeDesignations', 'boolean', 'Whether concept designations are to be included'),
    input('designation', 'string', 'A use (system|code) or language (urn:ietf:bcp:47|code) to include', '*'),
    input('includeDefinition', 'boolean', 'Whether the value set definition is included in the expansion'),
    input('activeOnly', 'boolean', 'Whether inactive concepts are left out'),
    input(
      'excludeNested',
      'boolean',
      'False: codes are nested as the code system has them, unless pages are asked for',
    ),
    input('excludeNotForUI', 'boolean', 'Whether concepts that only group others are left out'),
    input('excludePostCoordinated', 'boolean', 'Whether post coordinated codes are left out; there are none here'),
    input('displayLanguage', 'code', 'The language to be used for the display'),
    input('exclude-system', 'canonical', 'A code system to be excluded', '*'),
    input(
      'system-version',
      'canonical',
      'The version of a system where the value set names none (system|version)',
      '*',
    ),
    input('check-system-version', 'canonical', 'The version of a system that must be used (system|version)', '*'),
    input('force-system-version', 'canonical', 'The version of a system to use, whatever is named', '*'),
    output('return', 'ValueSet', 'The result of the expansion', [1, 1]),
  ],
  async run(session, call) {
    const [offset, count] = [positionOf(call, 'offset'), positionOf(call, 'count')];
    const valueSet = await valueSetOf(session, call);
    const expansion = await expandValueSet(session.trx, valueSet, {
      filter: inputOf<string>(call, 'filter'),
      ...{ offset, count },
      includeDesignations: inputOf<boolean>(call, 'includeDesignations') ?? call.inputs.has('designation'),
      designations: inputsOf<string>(call, 'designation'),
      includeDefinition: inputOf<boolean>(call, 'includeDefinition'),
      activeOnly: inputOf<boolean>(call, 'activeOnly'),
      excludeNested: inputOf<boolean>(call, 'excludeNested'),
      excludeNotForUi: inputOf<boolean>(call, 'excludeNotForUI'),
      displayLanguage: inputOf<string>(call, 'displayLanguage'),
      excludedSystems: inputsOf<string>(call, 'exclude-system').map((one) => one.split('|')[0] as string),
      versions: {
        usual: versionsOf(call, 'system-version'),
        checked: versionsOf(call, 'check-system-version'),
        forced: versionsOf(call, 'force-system-version'),
      },
      parameters: saidAgain(call),
    });
    return { resource: expansion };
  },
};

function positionOf(call: OperationCall, name: string): number | undefined {
  const value = inputOf<number>(call, name);
  if (value === undefined || value >= 0) return value;
  throw fhirError('invalid', `"${name}" counts from 0.`, { expression: 'Parameters.parameter' });
}

function versionsOf(call: OperationCall, name: string): Map<string, string> {
  return new Map(
    inputsOf<string>(call, name).map((canonical) => {
      const [url, version, ...more] = canonical.split('|');
      if (url && version && more.length === 0) return [url, version];
      throw fhirError('invalid', `"${name}" is a system and its version: system|version.`, {
        expression: 'Parameters.parameter',
      });
    }),
  );
}

const members = { string: 'valueString', integer: 'valueInteger', boolean: 'valueBoolean', code: 'valueCode' } as const;

/** What the expansion depends on: https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion.parameter */
function saidAgain(call: OperationCall): ValueSetExpansionParameter[] {
  return expand.parameters.flatMap(({ name, use, type = '' }) => {
    if (use === 'out' || ['url', 'valueSet', 'valueSetVersion'].includes(name)) return [];
    const member = members[type as keyof typeof members] ?? 'valueUri';
    return inputsOf(call, name).map((value) => ({ name, [member]: value }) as ValueSetExpansionParameter);
  });
}
