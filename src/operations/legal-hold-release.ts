// `$legal-hold-release`: ends one legal hold that the clinic has set (README, Archives).

import type { Parameters } from '@medplum/fhirtypes';
import { requireAdministrator } from '../access/administrator.ts';
import { releaseHold } from '../repository/legal-holds/hold-rows.ts';
import { describeHold, holdOutput, reasonOf } from './legal-hold-parameters.ts';
import type { Operation } from './operation.ts';
import { inputOf } from './terminology-inputs.ts';

export const legalHoldRelease: Operation = {
  code: 'legal-hold-release',
  definition: {
    id: 'hpms-legal-hold-release',
    url: 'https://hpms.example/fhir/OperationDefinition/hpms-legal-hold-release',
    name: 'LegalHoldRelease',
    title: 'Release a legal hold',
    description:
      'Ends a legal hold that $legal-hold has set, for clinic administrators. Holds of administrators of the system and of the operator are released by these alone.',
  },
  levels: ['system'],
  affectsState: true,
  permission: 'r',
  parameters: [
    { name: 'hold', use: 'in', min: 1, max: 1, type: 'id', documentation: 'The id that $legal-hold has given.' },
    { name: 'reason', use: 'in', min: 1, max: 1, type: 'string', documentation: 'Why it ends.' },
    holdOutput(1, 'The hold, which is in force no more.'),
  ],
  async run(session, call) {
    requireAdministrator(session.caller);
    const hold = await releaseHold(session, inputOf<string>(call, 'hold') ?? '', {
      ...{ levels: ['clinic'], reason: reasonOf(call) },
    });
    const resource: Parameters = { resourceType: 'Parameters', parameter: [describeHold(hold)] };
    return { resource };
  },
};
