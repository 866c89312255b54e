// `$legal-hold`: from now on nothing about a patient, or about any patient of the clinic, is deleted, archived or shredded (README, Archives).

import type { Parameters } from '@medplum/fhirtypes';
import { requireAdministrator } from '../access/administrator.ts';
import { placeHold } from '../repository/legal-holds/hold-rows.ts';
import { describeHold, holdOutput, reasonOf } from './legal-hold-parameters.ts';
import type { Operation } from './operation.ts';

export const legalHold: Operation = {
  code: 'legal-hold',
  definition: {
    id: 'hpms-legal-hold',
    url: 'https://hpms.example/fhir/OperationDefinition/hpms-legal-hold',
    name: 'LegalHold',
    title: 'Set a legal hold',
    description:
      "Of a Patient, or of all patients of the clinic, for clinic administrators: resources that are or were about the patient are not deleted (409), months of the clinic's history and AuditEvents are not archived, and the clinic is not shredded, until it is released by $legal-hold-release. There may be several; each is released by itself.",
  },
  levels: ['system', 'instance'],
  resourceTypes: ['Patient'],
  affectsState: true,
  permission: 'r',
  parameters: [
    { name: 'reason', use: 'in', min: 1, max: 1, type: 'string', documentation: 'Why, such as the claim it is for.' },
    holdOutput(1, 'The hold, which is in force.'),
  ],
  async run(session, call) {
    const { caller } = session;
    requireAdministrator(caller);
    const hold = await placeHold(session, {
      ...{ reason: reasonOf(call), by: caller.agent.reference ?? caller.clientId, level: 'clinic' },
      ...(call.id !== '' && { patientId: call.id }),
    });
    const resource: Parameters = { resourceType: 'Parameters', parameter: [describeHold(hold)] };
    return { resource };
  },
};
