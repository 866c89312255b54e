// The AuditEvent of a call of a tenant's administration API: who did what with what: https://hl7.org/fhir/R4/auditevent.html

import type { AuditEventEntity } from '@medplum/fhirtypes';
import { houseCanonical, otherEntity, referenceTo, securityRole } from '../../access/audit-parts.ts';
import { recordAdministration } from '../../repository/record-administration.ts';
import type { Session } from '../../repository/session.ts';
import type { AdminRoute } from '../admin-route.ts';

export interface AdminAct {
  /** The operationId of the route. */
  readonly act: string;
  readonly method: AdminRoute<never>['method'];
  /** Below the base of the API; it holds ids and codes, no names. */
  readonly path: string;
  /** 0: done, as it is by default; 4: refused; 8: the server failed. */
  readonly outcome?: '0' | '4' | '8';
}

const actions = { GET: 'R', POST: 'C', PUT: 'U', PATCH: 'U', DELETE: 'D' } as const;

/** In the session's transaction: what was done and that it was done are one. */
export function recordAdminAct(session: Session, { act, method, path, outcome = '0' }: AdminAct): void {
  recordAdministration(session, {
    ...{ system: 'admin-act', act, action: actions[method], outcome, caller: session.caller },
    entities: [entityOf(path)],
  });
}

/** What stands for it among the resources, so that `AuditEvent?entity=Person/x` finds it. */
const standIns: Readonly<Record<string, string>> = { staff: 'Person', clients: 'Device', departments: 'Organization' };

function entityOf(path: string): AuditEventEntity {
  const [, kind = '', id] = path.split(/[/?]/);
  const type = path.startsWith(`/${kind}/`) ? standIns[kind] : undefined;
  return {
    what: {
      ...(type !== undefined && id !== undefined ? referenceTo(`${type}/${id}`) : {}),
      identifier: { system: `${houseCanonical}/sid/admin`, value: path.slice(1) },
    },
    type: otherEntity,
    role: securityRole,
  };
}
