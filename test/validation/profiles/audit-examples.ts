// An AuditEvent for each kind that the server makes, and changes after which its profile must refuse it: https://profiles.ihe.net/ITI/BALP/content.html

import type { AuditEvent } from '@medplum/fhirtypes';
import { buildAccessAudit } from '../../../src/access/access-audit.ts';
import { buildEmergencyAudit } from '../../../src/access/audit.ts';
import { agentsOf, agentsOfCaller } from '../../../src/access/audit-agents.ts';
import { applicationActivity, auditEvent, dicom, otherEntity, securityRole } from '../../../src/access/audit-parts.ts';
import { type Caller, inRequest } from '../../../src/access/caller.ts';
import { buildChangeAudit } from '../../../src/access/change-audit.ts';
import { readFacts } from '../../access/access-facts.ts';
import type { Example } from './own-examples.ts';

const site = 'https://hpms.example';
const staff: Caller = {
  ...{ tenantId: 1, clientId: 'app', kind: 'staff', agent: { reference: 'Practitioner/p1', display: 'Dr. Karl Arzt' } },
  ...{ grants: [], roles: new Set(['provider']) },
};
const caller = inRequest(staff, { id: 'request-1', address: '192.0.2.7' });
const recorded = new Date('2026-11-20T10:00:00Z');

const access = (facts: Partial<typeof readFacts>) => buildAccessAudit({ ...readFacts, ...facts }, site);
const search = { interaction: 'search-type', path: 'Observation', query: 'code=1' } as const;
const none: readonly string[] = [];

function change(action: 'create' | 'update' | 'delete', patients: readonly string[]) {
  const version = 'Observation/o1/_history/2';
  return buildChangeAudit({ id: 'a1', recorded, action, caller, version, patients, patch: '[]', site });
}

function act(parts: Pick<Parameters<typeof auditEvent>[0], 'kind' | 'type' | 'subtype' | 'action'>): AuditEvent {
  return auditEvent({
    ...parts,
    ...{ id: 'a1', recorded: recorded.toISOString(), outcome: '0', site },
    agent: agentsOfCaller(caller, agentsOf.write, site),
    entity: [{ what: { identifier: { value: 'staff/1' } }, type: otherEntity, role: securityRole }],
  });
}

/** Each is wrong for every kind. */
function inAnyCase({ agent, entity = [] }: AuditEvent): [change: object, issue: string][] {
  const [first, ...others] = agent;
  return [
    [{ subtype: undefined }, 'required AuditEvent.subtype'],
    [{ outcome: undefined }, 'required AuditEvent.outcome'],
    [{ agent: [{ ...first, requestor: false }, ...others] }, 'invariant AuditEvent'],
    [{ agent: [{ ...first, who: undefined }, ...others] }, 'required AuditEvent.agent[0].who'],
    [{ entity: [...entity, { name: 'x' }] }, `invariant AuditEvent.entity[${entity.length}]`],
  ];
}

const otherAction: [object, string] = [{ action: 'D' }, 'value AuditEvent.action'];
const failed: [object, string] = [{ outcome: '8' }, 'value AuditEvent.outcome'];
const otherSubtype: [object, string] = [{ subtype: [{ code: 'other' }] }, 'invariant AuditEvent'];
const aboutNothing: [object, string] = [{ entity: undefined }, 'required AuditEvent.entity'];
const noServer = ({ agent }: AuditEvent): [object, string] => [
  { agent: agent.filter(({ who }) => who?.display !== 'HPMS') },
  'required AuditEvent.agent',
];
const aboutNobody = ({ entity = [] }: AuditEvent): [object, string] => [
  { entity: entity.filter(({ role }) => role?.code !== '1') },
  'required AuditEvent.entity',
];

function example(valid: AuditEvent, ...invalid: (readonly [object, string])[]): Example {
  return { valid, invalid: [...inAnyCase(valid), ...invalid] };
}

function rest(valid: AuditEvent, ...invalid: (readonly [object, string])[]): Example {
  const action: [object, string] = valid.action === 'D' ? [{ action: 'C' }, otherAction[1]] : otherAction;
  return example(valid, action, failed, otherSubtype, aboutNothing, noServer(valid), ...invalid);
}

function ofPatient(valid: AuditEvent): Example {
  return rest(valid, aboutNobody(valid));
}

const refusal = access({ outcome: '4', status: 403, issue: 'forbidden', answered: none, patients: none });
const everything = { interaction: 'operation', path: 'Patient/p1/$everything' } as const;
const exported = { interaction: 'operation', path: '$export', patients: none } as const;

export const auditExamples: Readonly<Record<string, Example>> = {
  'hpms-audit-read': rest(access({ patients: none })),
  'hpms-audit-patient-read': ofPatient(access({})),
  'hpms-audit-query': rest(access({ ...search, patients: none })),
  'hpms-audit-patient-query': ofPatient(access(search)),
  'hpms-audit-operation': rest(access({ interaction: 'operation', path: 'ValueSet/$expand', patients: none })),
  'hpms-audit-patient-operation': ofPatient(access({ interaction: 'operation', path: 'Account/a1/$statement' })),
  'hpms-audit-create': rest(change('create', none)),
  'hpms-audit-patient-create': ofPatient(change('create', ['Patient/p1'])),
  'hpms-audit-update': rest(change('update', none)),
  'hpms-audit-patient-update': ofPatient(change('update', ['Patient/p1'])),
  'hpms-audit-delete': rest(change('delete', none)),
  'hpms-audit-patient-delete': ofPatient(change('delete', ['Patient/p1'])),
  'hpms-audit-export': rest(access(exported)),
  'hpms-audit-disclosure': ofPatient(access(everything)),
  'hpms-audit-refusal': example(
    refusal,
    [{ outcome: '0' }, 'invariant AuditEvent'],
    [{ outcomeDesc: undefined }, 'required AuditEvent.outcomeDesc'],
    aboutNothing,
  ),
  'hpms-audit-overload': example(
    access({
      ...{ interaction: undefined, path: '', method: '', caller: undefined, answered: undefined, patients: undefined },
      ...{ requestId: undefined, outcome: '8', status: 503, issue: 'throttled' },
      turnedAway: { requests: 12, sinceMs: recorded.getTime() },
    }),
    ...[otherAction, aboutNothing],
    [{ outcome: '0' }, 'value AuditEvent.outcome'],
    [{ outcomeDesc: 'forbidden' }, 'value AuditEvent.outcomeDesc'],
    [{ period: undefined }, 'required AuditEvent.period'],
  ),
  'hpms-audit-login': example(
    act({
      ...{ kind: 'login', action: 'E', type: { system: dicom, code: '110114' } },
      subtype: [{ system: dicom, code: '110122' }],
    }),
    ...[otherAction, otherSubtype],
    [{ type: applicationActivity }, 'value AuditEvent.type'],
  ),
  'hpms-audit-security-alert': example(
    buildEmergencyAudit({ id: 'a1', recorded, caller, site, request: 'GET Patient/p1', about: 'Patient/p1' }),
    ...[otherAction, otherSubtype],
    [{ type: applicationActivity }, 'value AuditEvent.type'],
  ),
  'hpms-audit-administration': (() => {
    const valid = act({ kind: 'administration', action: 'U', type: applicationActivity, subtype: [{ code: 'x' }] });
    return example(valid, noServer(valid), [{ type: { code: 'rest' } }, 'value AuditEvent.type']);
  })(),
};
