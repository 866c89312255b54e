// The record of an emergency access, in a transaction of its own ahead of what is read: https://hl7.org/fhir/R4/auditevent.html

import { buildEmergencyAudit, type RecordedRequest } from '../access/audit.ts';
import type { Caller } from '../access/caller.ts';
import { newId } from '../fhir/ids.ts';
import { recordEvent } from './audit-rows.ts';
import { inSession, type Repository } from './session.ts';

export async function recordBreakGlass(
  repository: Repository,
  caller: Caller,
  request: RecordedRequest,
): Promise<void> {
  await inSession(repository, caller, (session) => {
    const id = newId(session.at.getTime());
    const { site } = repository;
    recordEvent(session, buildEmergencyAudit({ id, recorded: session.at, caller, site, ...request }));
    return Promise.resolve();
  });
}
