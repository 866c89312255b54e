// `$meta-add`: adds profiles, tags and security labels to a resource: https://hl7.org/fhir/R4/resource-operation-meta-add.html

import { addToMeta } from './change-meta.ts';
import type { Operation } from './operation.ts';
import { writeMeta } from './write-meta.ts';

export const metaAdd: Operation = {
  code: 'meta-add',
  definition: {
    id: 'Resource-meta-add',
    url: 'http://hl7.org/fhir/OperationDefinition/Resource-meta-add',
    name: 'MetaAdd',
    title: 'Add profiles, tags, and security labels to a resource',
    description:
      'This operation takes a meta, and adds the profiles, tags, and security labels found in it to the nominated resource. The resource gets a new version, unless it has them all.',
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
        'Profiles, tags, and security labels to add to the existing resource. Note that profiles, tags, and security labels are sets, and duplicates are not created. The identity of a tag or security label is the system+code. When matching existing tags during adding, version and display are ignored. For profiles, matching is based on the full URL',
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
  run: (session, call) => writeMeta(session, call, { change: addToMeta }),
};
