// The record of an operation that changes nothing and shows what not everybody may see: https://hl7.org/fhir/R4/auditevent.html

import { buildOperationAudit, type RecordedRequest } from '../access/audit.ts';
import { newId } from '../fhir/ids.ts';
import { recordEvent } from '../repository/audit-rows.ts';
import type { Session } from '../repository/session.ts';

/** Sent with the session's next message. */
export function recordOperation(session: Session, request: RecordedRequest): void {
  const { caller, at: recorded, repository } = session;
  const { site } = repository;
  recordEvent(session, buildOperationAudit({ id: newId(recorded.getTime()), recorded, caller, site, ...request }));
}
