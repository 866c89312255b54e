// The AuditEvent of what a system administrator does with a tenant: it is no interaction with a resource, so it names the tenant: https://hl7.org/fhir/R4/auditevent.html

import type { AuditEvent } from '@medplum/fhirtypes';
import { agentOf } from '../access/audit.ts';
import type { Caller } from '../access/caller.ts';
import { newId } from '../fhir/ids.ts';
import { recordEvent } from '../repository/audit-rows.ts';
import type { Session } from '../repository/session.ts';

export interface TenantAct {
  /** As the API calls it, such as `suspendTenant`. */
  readonly act: string;
  readonly action: 'C' | 'R' | 'U' | 'D';
  /** The name of the tenant it is done to; absent for what is about all. */
  readonly tenant?: string | undefined;
  readonly caller: Caller;
  /** 4: refused; 8: the server failed. */
  readonly outcome: '0' | '4' | '8';
}

/** In the transaction of the session, whose tenant is either the system's or the one it is done to. */
export function recordTenantAct(session: Session, act: TenantAct): void {
  recordEvent(session, buildTenantAudit(newId(session.at.getTime()), session.at, act));
}

const canonical = 'https://hpms.example/fhir';

function buildTenantAudit(id: string, at: Date, { act, action, tenant, caller, outcome }: TenantAct) {
  const recorded = at.toISOString();
  const event: AuditEvent & { readonly id: string } = {
    resourceType: 'AuditEvent',
    id,
    meta: { versionId: '1', lastUpdated: recorded },
    type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110100', display: 'Application Activity' },
    subtype: [{ system: `${canonical}/CodeSystem/tenant-act`, code: act }],
    action,
    recorded,
    outcome,
    agent: [agentOf(caller)],
    source: {
      observer: { display: 'HPMS' },
      type: [{ system: 'http://terminology.hl7.org/CodeSystem/security-source-type', code: '4' }],
    },
    ...(tenant !== undefined && {
      entity: [
        {
          what: { identifier: { system: `${canonical}/sid/tenant`, value: tenant } },
          type: { system: 'http://terminology.hl7.org/CodeSystem/audit-entity-type', code: '4', display: 'Other' },
        },
      ],
    }),
  };
  return event;
}
