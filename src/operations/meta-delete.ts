// `$meta-delete`: takes profiles, tags and security labels from a resource: https://hl7.org/fhir/R4/resource-operation-meta-delete.html

import type { Coding, Meta } from '@medplum/fhirtypes';
import type { Caller } from '../access/caller.ts';
import { requireOperation } from '../access/may.ts';
import { deleteFromMeta } from './change-meta.ts';
import type { Operation } from './operation.ts';
import { writeMeta } from './write-meta.ts';

/** Who reviews a result lets the patient see it by taking NOPAT away (domain.md SM-6): https://hl7.org/fhir/R4/v3/ActCode/cs.html */
function isRelease(labels: readonly Coding[], { operations }: Caller): boolean {
  return labels.every(({ code }) => code === 'NOPAT') && operations?.has('op:release-result') === true;
}

export const metaDelete: Operation = {
  code: 'meta-delete',
  definition: {
    id: 'Resource-meta-delete',
    url: 'http://hl7.org/fhir/OperationDefinition/Resource-meta-delete',
    name: 'MetaDelete',
    title: 'Delete profiles, tags, and security labels for a resource',
    description:
      'This operation takes a meta, and deletes the profiles, tags, and security labels found in it from the nominated resource. The resource gets a new version, unless it has none of them.',
  },
  levels: ['instance'],
  affectsState: true,
  permission: 'u',
  parameters: [
    {
      name: 'meta',
      use: 'in',
      min: 1,
      max: 1,
      type: 'Meta',
      documentation:
        'Profiles, tags, and security labels to delete from the existing resource. It is not an error if these tags, profiles, and labels do not exist. The identity of a tag or security label is the system+code. When matching existing tags during deletion, version and display are ignored. For profiles, matching is based on the full URL',
    },
    {
      name: 'return',
      use: 'out',
      min: 1,
      max: 1,
      type: 'Meta',
      documentation: 'Resulting meta for the resource',
    },
  ],
  async run(session, call) {
    const { security = [] } = (call.inputs.get('meta')?.[0]?.value ?? {}) as Meta;
    const removesLabels = security.length > 0;
    if (removesLabels && !isRelease(security, session.caller)) requireOperation(session.caller, 'op:security-label');
    return await writeMeta(session, call, { change: deleteFromMeta, removesLabels });
  },
};
