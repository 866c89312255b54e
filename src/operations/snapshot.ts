// `$snapshot`: a StructureDefinition with the snapshot that validation here goes by: https://hl7.org/fhir/R4/structuredefinition-operation-snapshot.html

import type { StructureDefinition } from '@medplum/fhirtypes';
import { parseJson } from '../fhir/json.ts';
import { FhirError, fhirError } from '../fhir/outcome.ts';
import type { Structure } from '../fhir/profiles/generate-profile.ts';
import { snapshotElements } from '../fhir/profiles/snapshot-elements.ts';
import { readText } from '../repository/built-in.ts';
import type { ExactNumbers } from '../repository/change.ts';
import { registryOf } from '../repository/profiles/registry-of.ts';
import type { Session } from '../repository/session.ts';
import type { Operation, OperationCall } from './operation.ts';
import { input, inputOf, output, requireOneOf } from './terminology-inputs.ts';

export const snapshot: Operation = {
  code: 'snapshot',
  definition: {
    id: 'StructureDefinition-snapshot',
    url: 'http://hl7.org/fhir/OperationDefinition/StructureDefinition-snapshot',
    name: 'Generate Snapshot',
    title: 'Generate Snapshot',
    description:
      'Generates a StructureDefinition instance with a snapshot, based on a differential in a specified StructureDefinition.',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['StructureDefinition'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input(
      'definition',
      'StructureDefinition',
      'The [StructureDefinition](structuredefinition.html) is provided directly as part of the request. Servers may choose not to accept profiles in this fashion',
    ),
    input(
      'url',
      'string',
      "The StructureDefinition's canonical URL (i.e. 'StructureDefinition.url'). The server must know the structure definition, or be able to retrieve it from other known repositories.",
    ),
    output('return', 'StructureDefinition', 'The structure definition with a snapshot', [1, 1]),
  ],
  async run(session, call) {
    requireOneOf(call, ['definition', 'url']);
    const { profiles } = (await registryOf(session)).compiler;
    const structure = await structureOf(session, call, (url) => profiles.structure(url));
    const { resource, exactNumbers } = structure;
    const generated = profiles.generate({ ...structure, resource: { ...resource, snapshot: undefined as never } });
    if (!generated.profile) throw new FhirError(generated.issues, { status: 422 });
    const numbers = new Map(exactNumbers);
    const element = snapshotElements(generated.profile, numbers) as Snapshot['element'];
    return { resource: { ...resource, snapshot: { element } }, ...(numbers.size > 0 && { exactNumbers: numbers }) };
  },
};

type Snapshot = NonNullable<StructureDefinition['snapshot']>;

async function structureOf(
  session: Session,
  call: OperationCall,
  find: (canonical: string) => Structure | undefined,
): Promise<Structure> {
  const [given] = call.inputs.get('definition') ?? [];
  if (given) return toStructure(given.value, given.exactNumbers);
  if (call.id !== '') {
    const { value, exactNumbers } = parseJson(await readText(session, 'StructureDefinition', call.id));
    return toStructure(value, exactNumbers);
  }
  const found = find(inputOf<string>(call, 'url') ?? '');
  if (found) return found;
  throw fhirError('not-found', 'No profile of this canonical is known here.', { expression: 'Parameters.parameter' });
}

function toStructure(value: unknown, exactNumbers: ExactNumbers | undefined): Structure {
  return { resource: value as StructureDefinition, ...(exactNumbers && { exactNumbers }) };
}
