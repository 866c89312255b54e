// The versions of all resources of the tenant, newest first: https://hl7.org/fhir/R4/http.html#history

import type { Caller } from '../access/caller.ts';
import { rowRule } from '../access/row-rule.ts';
import { fhirError } from '../fhir/outcome.ts';
import { auditEventType } from './audit-rows.ts';
import { type HistoryPage, history } from './history.ts';
import type { HistoryRequest } from './history-source.ts';
import { versionWalk } from './history-walk.ts';
import type { Session } from './session.ts';

const totalMax = 1_000;

/**
 * Of the types the caller may search every row of. AuditEvents are left out, or each version would be listed with the record that it was
 * written, and each reading with the record that it was read; they have a history of their own.
 */
export async function historySystem(session: Session, request: HistoryRequest): Promise<HistoryPage> {
  const types = searchableTypes(session.caller);
  if (types?.length === 0) {
    throw fhirError('forbidden', 'The access token does not allow to search every resource of any type.');
  }
  return await history(session, request, versionWalk(request, { types, totalMax }));
}

/** Undefined for all types. */
function searchableTypes(caller: Caller): string[] | undefined {
  const { grants } = caller;
  if (rowRule(caller, 's', '*') === 'all') return undefined;
  const types = grants.filter(({ permissions }) => permissions.has('s')).map(({ type }) => type);
  return [...new Set(types)].filter((type) => type !== auditEventType && rowRule(caller, 's', type) === 'all');
}
