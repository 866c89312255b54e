// The AuditEvent of what is administered: it is no interaction with a resource, so it says by a code what was done:
// https://hl7.org/fhir/R4/auditevent.html

import type { AuditEvent, AuditEventEntity } from '@medplum/fhirtypes';
import { agentsOf, agentsOfCaller } from '../access/audit-agents.ts';
import { applicationActivity, auditEvent, houseCanonical, requestEntity } from '../access/audit-parts.ts';
import type { Caller } from '../access/caller.ts';
import { newId } from '../fhir/ids.ts';
import { recordEvent } from './audit-rows.ts';
import type { Session } from './session.ts';

export interface AdministrationAct {
  /** The CodeSystem of the act, and its code there. */
  readonly system: 'admin-act' | 'tenant-act';
  readonly act: string;
  readonly action: NonNullable<AuditEvent['action']>;
  /** 4: refused; 8: the server failed. */
  readonly outcome: '0' | '4' | '8';
  readonly caller: Caller;
  /** What it is done to. */
  readonly entities: readonly AuditEventEntity[];
}

/** In the session's transaction: what was done and that it was done are one. */
export function recordAdministration(session: Session, done: AdministrationAct): void {
  const { system, act, action, outcome, caller, entities } = done;
  const { at, repository } = session;
  const { site } = repository;
  recordEvent(
    session,
    auditEvent({
      ...{ kind: 'administration', id: newId(at.getTime()), recorded: at.toISOString(), type: applicationActivity },
      subtype: [{ system: `${houseCanonical}/CodeSystem/${system}`, code: act }],
      ...{ action, outcome, site, agent: agentsOfCaller(caller, agentsOf.write, site) },
      entity: [...entities, ...(caller.request ? [requestEntity(caller.request.id)] : [])],
    }),
  );
}
