// `$legal-holds`: the legal holds that are in force, of a patient or of all (README, Archives).

import type { Parameters } from '@medplum/fhirtypes';
import { requireAdministrator } from '../access/administrator.ts';
import { listHolds } from '../repository/legal-holds/hold-rows.ts';
import { describeHold, holdOutput } from './legal-hold-parameters.ts';
import type { Operation } from './operation.ts';

export const legalHolds: Operation = {
  code: 'legal-holds',
  definition: {
    id: 'hpms-legal-holds',
    url: 'https://hpms.example/fhir/OperationDefinition/hpms-legal-holds',
    name: 'LegalHolds',
    title: 'Legal holds in force',
    description: 'Those of a Patient, or all of the clinic, the last set first, for clinic administrators.',
  },
  levels: ['system', 'instance'],
  resourceTypes: ['Patient'],
  affectsState: false,
  permission: 'r',
  parameters: [holdOutput('*', 'A hold.')],
  async run(session, { id }) {
    requireAdministrator(session.caller);
    const parameter = (await listHolds(session, id === '' ? undefined : id)).map(describeHold);
    const resource: Parameters = { resourceType: 'Parameters', ...(parameter.length > 0 && { parameter }) };
    return { resource };
  },
};
