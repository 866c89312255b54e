// `$expand`: the codes of a value set: https://hl7.org/fhir/R4/valueset-operation-expand.html

import type { ValueSetExpansionParameter } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { expand as expandValueSet, expansionMax } from '../terminology/expand.ts';
import { expandParameters } from './expand-parameters.ts';
import type { Operation, OperationCall } from './operation.ts';
import { inputOf, inputsOf, requireEveryOne, requireToday, valueSetOf } from './terminology-inputs.ts';

const most = expansionMax.toLocaleString('en');

export const expand: Operation = {
  code: 'expand',
  definition: {
    id: 'ValueSet-expand',
    url: 'http://hl7.org/fhir/OperationDefinition/ValueSet-expand',
    name: 'Value Set Expansion',
    title: 'Value Set Expansion',
    description: `The definition of a value set is used to create a simple collection of codes suitable for use for data entry or validation. Of more than ${most} codes pages are given (\`offset\`, \`count\`); no code is post coordinated. Definitions are known as they are today: another \`date\` is refused. A \`context\` is [StructureDefinition URL]#[name or path of an element]; reading and writing have the same value sets.`,
  },
  levels: ['type', 'instance'],
  resourceTypes: ['ValueSet'],
  affectsState: false,
  permission: 'r',
  parameters: expandParameters,
  async run(session, call) {
    requireEveryOne(session, 'ValueSet');
    requireToday(session, call);
    requireDirection(call);
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

/** For most elements, as for all of this server, "this is the same value set". */
function requireDirection(call: OperationCall): void {
  const direction = inputOf<string>(call, 'contextDirection');
  if (direction === undefined) return;
  const expression = 'Parameters.parameter';
  if (direction !== 'incoming' && direction !== 'outgoing') {
    throw fhirError('invalid', '"contextDirection" is incoming or outgoing.', { expression });
  }
  if (!call.inputs.has('context')) {
    throw fhirError('invalid', 'Give "contextDirection" with "context" only.', { expression });
  }
}

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

const members = {
  string: 'valueString',
  integer: 'valueInteger',
  boolean: 'valueBoolean',
  code: 'valueCode',
  dateTime: 'valueDateTime',
} as const;

const notSaidAgain = ['url', 'valueSet', 'valueSetVersion', 'context', 'contextDirection'];

/** What the expansion depends on: https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.expansion.parameter */
function saidAgain(call: OperationCall): ValueSetExpansionParameter[] {
  return expand.parameters.flatMap(({ name, use, type = '' }) => {
    if (use === 'out' || notSaidAgain.includes(name)) return [];
    const member = members[type as keyof typeof members] ?? 'valueUri';
    return inputsOf(call, name).map((value) => ({ name, [member]: value }) as ValueSetExpansionParameter);
  });
}
