// The AuditEvent of what a system administrator does with a tenant: it is no interaction with a resource, so it names the tenant: https://hl7.org/fhir/R4/auditevent.html

import type { AuditEventEntity } from '@medplum/fhirtypes';
import { houseCanonical, otherEntity, referenceTo, securityRole } from '../access/audit-parts.ts';
import type { Caller } from '../access/caller.ts';
import { recordAdministration } from '../repository/record-administration.ts';
import type { Session } from '../repository/session.ts';

export interface TenantAct {
  /** As the API calls it, such as `suspendTenant`. */
  readonly act: string;
  readonly action: 'C' | 'R' | 'U' | 'D';
  /** The name of the tenant it is done to; absent for what is about all. */
  readonly tenant?: string | undefined;
  /** What else it is done to, such as `Device/x`. */
  readonly about?: string | undefined;
  readonly caller: Caller;
  /** 4: refused; 8: the server failed. */
  readonly outcome: '0' | '4' | '8';
}

/** Who works by commands beside the server, whose name nobody knows. */
export const operatorName = 'Operator (npm run admin)';

/** In the transaction of the session, whose tenant is either the system's or the one it is done to. */
export function recordTenantAct(session: Session, { act, action, tenant, about, caller, outcome }: TenantAct): void {
  const entities = tenant === undefined ? [] : [tenantEntity(tenant)];
  if (about !== undefined) entities.push({ what: referenceTo(about), type: otherEntity, role: securityRole });
  recordAdministration(session, { system: 'tenant-act', act, action, outcome, caller, entities });
}

function tenantEntity(tenant: string): AuditEventEntity {
  return {
    what: { identifier: { system: `${houseCanonical}/sid/tenant`, value: tenant } },
    type: otherEntity,
    role: securityRole,
  };
}
