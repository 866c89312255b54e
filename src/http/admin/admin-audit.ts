// The AuditEvent of a call of a tenant's administration API: who did what with what: https://hl7.org/fhir/R4/auditevent.html

import type { AuditEvent, AuditEventEntity } from '@medplum/fhirtypes';
import { agentOf } from '../../access/audit.ts';
import { newId } from '../../fhir/ids.ts';
import { recordEvent } from '../../repository/audit-rows.ts';
import type { Session } from '../../repository/session.ts';
import type { AdminRoute } from '../admin-route.ts';

export interface AdminAct {
  /** The operationId of the route. */
  readonly act: string;
  readonly method: AdminRoute<never>['method'];
  /** Below the base of the API; it holds ids and codes, no names. */
  readonly path: string;
  /** 4: refused; 8: the server failed. */
  readonly outcome?: '4' | '8';
}

const canonical = 'https://hpms.example/fhir';
const actions = { GET: 'R', POST: 'C', PUT: 'U', PATCH: 'U', DELETE: 'D' } as const;

/** In the session's transaction: what was done and that it was done are one. */
export function recordAdminAct(session: Session, { act, method, path, outcome }: AdminAct): void {
  const recorded = session.at.toISOString();
  const id = newId(session.at.getTime());
  const event: AuditEvent & { readonly id: string } = {
    resourceType: 'AuditEvent',
    id,
    meta: { versionId: '1', lastUpdated: recorded },
    type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110100', display: 'Application Activity' },
    subtype: [{ system: `${canonical}/CodeSystem/admin-act`, code: act }],
    action: actions[method],
    recorded,
    outcome: outcome ?? '0',
    agent: [agentOf(session.caller)],
    source: {
      observer: { display: 'HPMS' },
      type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }],
    },
    entity: [entityOf(path)],
  };
  recordEvent(session, event);
}

/** What stands for it among the resources, so that `AuditEvent?entity=Person/x` finds it. */
const standIns: Readonly<Record<string, string>> = { staff: 'Person', clients: 'Device', departments: 'Organization' };

function entityOf(path: string): AuditEventEntity {
  const [, kind = '', id] = path.split(/[/?]/);
  const type = path.startsWith(`/${kind}/`) ? standIns[kind] : undefined;
  return {
    what: {
      ...(type !== undefined && id !== undefined ? { reference: `${type}/${id}` } : {}),
      identifier: { system: `${canonical}/sid/admin`, value: path.slice(1) },
    },
    type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '4', display: 'Other' },
  };
}
