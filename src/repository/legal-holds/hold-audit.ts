// The AuditEvent of a legal hold that was set or released: https://hl7.org/fhir/R4/auditevent.html

import { agentsOf, agentsOfCaller } from '../../access/audit-agents.ts';
import {
  applicationActivity,
  auditEvent,
  houseCanonical,
  otherEntity,
  requestEntity,
  securityRole,
} from '../../access/audit-parts.ts';
import { newId } from '../../fhir/ids.ts';
import { recordEvent } from '../audit-rows.ts';
import type { Session } from '../session.ts';
import type { LegalHold } from './hold-rows.ts';

export type HoldAct = 'placeLegalHold' | 'releaseLegalHold';

/**
 * In the transaction that does it, with the reason that was given for it. It names the patient for auditors, and is none of the
 * patient's own: a hold may be kept against a claim of that person.
 */
export function recordHoldAct(
  session: Session,
  act: HoldAct,
  { id, patientId, reason }: Pick<LegalHold, 'id' | 'patientId' | 'reason'>,
): void {
  const { caller, at, repository } = session;
  const { site } = repository;
  recordEvent(
    session,
    auditEvent({
      ...{ kind: 'administration', id: newId(at.getTime()), recorded: at.toISOString(), type: applicationActivity },
      subtype: [{ system: `${houseCanonical}/CodeSystem/admin-act`, code: act }],
      ...{ action: act === 'placeLegalHold' ? 'C' : 'D', outcome: '0', site },
      agent: agentsOfCaller(caller, agentsOf.write, site),
      entity: [
        {
          what: {
            identifier: { system: `${houseCanonical}/sid/admin`, value: `legal-holds/${id}` },
            ...(patientId !== undefined && { display: `Patient/${patientId}` }),
          },
          type: otherEntity,
          role: securityRole,
          ...(reason !== undefined && { detail: [{ type: 'reason', valueString: reason }] }),
        },
        ...(caller.request ? [requestEntity(caller.request.id)] : []),
      ],
    }),
  );
}
