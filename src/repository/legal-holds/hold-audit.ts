// The AuditEvent of a legal hold that was set or released: https://hl7.org/fhir/R4/auditevent.html

import { houseCanonical, otherEntity, securityRole } from '../../access/audit-parts.ts';
import { recordAdministration } from '../record-administration.ts';
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
  recordAdministration(session, {
    ...{ system: 'admin-act', act, action: act === 'placeLegalHold' ? 'C' : 'D', outcome: '0', caller: session.caller },
    entities: [
      {
        what: {
          identifier: { system: `${houseCanonical}/sid/admin`, value: `legal-holds/${id}` },
          ...(patientId !== undefined && { display: `Patient/${patientId}` }),
        },
        type: otherEntity,
        role: securityRole,
        ...(reason !== undefined && { detail: [{ type: 'reason', valueString: reason }] }),
      },
    ],
  });
}
