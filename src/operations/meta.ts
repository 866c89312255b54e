// `$meta`: the profiles, tags and security labels of a resource or of one of its versions: https://hl7.org/fhir/R4/resource-operation-meta.html

import type { Resource } from '@medplum/fhirtypes';
import { parseJson } from '../fhir/json.ts';
import { read } from '../repository/read.ts';
import { vread } from '../repository/vread.ts';
import { answerMeta } from './answer-meta.ts';
import type { Operation } from './operation.ts';

/**
 * Not of a type or the whole system: labels are stored as keyed tokens that nobody can turn back, so a list of all of them
 * would need every resource opened. R4 leaves these levels to the server.
 */
export const meta: Operation = {
  code: 'meta',
  definition: {
    id: 'Resource-meta',
    url: 'https://hpms.example/fhir/OperationDefinition/Resource-meta',
    base: 'http://hl7.org/fhir/OperationDefinition/Resource-meta',
    name: 'Meta',
    title: 'Access a list of profiles, tags, and security labels',
    description:
      'Gives the meta of a resource, or of one of its versions, as reading it would. The levels of a type and of the whole system are not offered.',
  },
  levels: ['instance', 'version'],
  affectsState: false,
  permission: 'r',
  parameters: [
    {
      name: 'return',
      use: 'out',
      min: 1,
      max: 1,
      type: 'Meta',
      documentation: 'The meta returned by the operation',
    },
  ],
  async run(session, { type, id, versionId }) {
    const { body } = versionId === '' ? await read(session, type, id) : await vread(session, type, id, versionId);
    const { value, exactNumbers } = parseJson(body.toString());
    return answerMeta({ resource: value as Resource, ...(exactNumbers && { exactNumbers }) });
  },
};
