// `$reindex`: indexes resources again in the background, all or those of some types.

import type { Parameters } from '@medplum/fhirtypes';
import { requirePermission } from '../access/may.ts';
import { fhirError } from '../fhir/outcome.ts';
import { lockIndex } from '../repository/own-parameters/lock-index.ts';
import { indexedTypes } from '../repository/reindex/indexed-types.ts';
import { requestRun } from '../repository/reindex/request-run.ts';
import type { Operation, OperationCall } from './operation.ts';

export const reindex: Operation = {
  code: 'reindex',
  definition: {
    id: 'hpms-reindex',
    url: 'https://hpms.example/fhir/OperationDefinition/hpms-reindex',
    name: 'Reindex',
    title: 'Index resources again',
    description:
      'Reads resources again in the background and stores anew what searches find them by. They stay as they are: no new versions, no other times. Search parameters of a SearchParameter resource need no call: they are indexed when the resource becomes active. $reindex-status tells how far it is.',
  },
  levels: ['system'],
  affectsState: true,
  permission: 'u',
  parameters: [
    {
      name: 'type',
      use: 'in',
      min: 0,
      max: '*',
      type: 'code',
      documentation: 'Resource types to index again; without any, all of them.',
    },
    {
      name: 'run',
      use: 'out',
      min: 1,
      max: 1,
      type: 'id',
      documentation: 'The run that $reindex-status tells of. What waits already is done together with it.',
    },
  ],
  async run(session, call) {
    requirePermission(session.caller, 'u', 'SearchParameter');
    const types = typesOf(call, indexedTypes(session.repository.definitions));
    await lockIndex(session.trx);
    const valueId = await requestRun(session, { reason: 'request', types });
    const resource: Parameters = { resourceType: 'Parameters', parameter: [{ name: 'run', valueId }] };
    return { resource };
  },
};

function typesOf({ inputs }: OperationCall, offered: readonly string[]): readonly string[] {
  const asked = inputs.get('type')?.map(({ value }) => value as string);
  const index = asked?.findIndex((type) => !offered.includes(type)) ?? -1;
  if (index < 0) return asked ?? offered;
  throw fhirError('value', 'The parameter "type" has to be a resource type; AuditEvents are never indexed again.', {
    status: 400,
    expression: `Parameters.parameter[${index}]`,
  });
}
