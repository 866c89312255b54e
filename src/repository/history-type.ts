// The versions of all resources of a type, newest first: https://hl7.org/fhir/R4/http.html#history

import { requirePermission } from '../access/may.ts';
import { requireEveryRow, rowRule } from '../access/row-rule.ts';
import { auditEventType } from './audit-rows.ts';
import { type HistoryPage, history } from './history.ts';
import { auditEventSource } from './history-audit-event.ts';
import { visibleSource } from './history-of-visible.ts';
import type { HistoryRequest } from './history-source.ts';
import { versionWalk } from './history-walk.ts';
import { rowsOf } from './row-access.ts';
import type { Session } from './session.ts';

/** Counted without being asked to. */
const totalMax = 1_000;

/** A search right is what SMART asks for here: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html */
export async function historyType(session: Session, request: HistoryRequest): Promise<HistoryPage> {
  requirePermission(session.caller, 's', request.type);
  const { caller } = session;
  const isWhole = rowRule(caller, 's', request.type) === 'all';
  // AuditEvents have one version each, which a search gives as well.
  if (request.type === auditEventType) requireEveryRow(caller, auditEventType);
  const rows = isWhole ? undefined : rowsOf(session, 's', request.type);
  if (rows) return await history(session, request, await visibleSource(session, request, rows, totalMax));
  const source =
    request.type === auditEventType
      ? auditEventSource(request, totalMax)
      : versionWalk(request, { types: [request.type], totalMax });
  return await history(session, request, source);
}
