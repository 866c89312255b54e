// AuditEvents as a history: each has one version, which is never replaced: https://hl7.org/fhir/R4/auditevent.html

import { timeOfId } from '../fhir/ids.ts';
import { notFound } from '../fhir/outcome.ts';
import { SqlValues } from '../search/compile/sql.ts';
import { auditEventType } from './audit-rows.ts';
import type { HistoryRequest, HistorySource } from './history-source.ts';

const newestFirst = 'ORDER BY last_updated DESC, id DESC';

/** Of all AuditEvents, or of the one with the request's id; throws 404 for an id that cannot be one. */
export function auditEventSource(request: HistoryRequest, totalMax: number): HistorySource {
  return {
    ...(request.id !== '' && { existence: existence(request.id) }),
    totalMax,
    page(limit, after) {
      const values = new SqlValues();
      const tests = eventTests(request, values);
      if (after) {
        tests.push(`(last_updated, id) < (${values.moment(after.lastUpdatedMs)}, ${values.bind(after.id)}::text)`);
      }
      return {
        text: `SELECT 'AuditEvent' AS type, id, 1 AS version_id, last_updated, false AS deleted, content,
                 NULL AS object_id, true AS passes
               FROM audit_event WHERE ${tests.join(' AND ')} ${newestFirst} LIMIT ${values.bind(limit)}`,
        values: values.all,
      };
    },
    count(max) {
      const values = new SqlValues();
      const tests = eventTests(request, values).join(' AND ');
      // The order keeps the planner on the index of time.
      const counted = `SELECT FROM audit_event WHERE ${tests} ${newestFirst} LIMIT ${values.bind(max + 1)}`;
      return {
        text: `SELECT count(*)::integer AS total, count(*)::integer AS examined FROM (${counted}) AS counted`,
        values: values.all,
      };
    },
  };
}

function existence(id: string) {
  return {
    name: 'history-audit-event-exists',
    text: 'SELECT id FROM audit_event WHERE id = $1 AND last_updated = $2',
    values: [id, new Date(recordedMs(id))],
  };
}

/** The time in the id names the partition. */
function recordedMs(id: string): number {
  const ms = timeOfId(id);
  if (ms === undefined) throw notFound(auditEventType, id);
  return ms;
}

function eventTests({ id, sinceMs, at }: HistoryRequest, values: SqlValues): string[] {
  const tests = ['true'];
  if (id !== '') tests.push(`id = ${values.bind(id)}`, `last_updated = ${values.moment(recordedMs(id))}`);
  if (sinceMs !== undefined) tests.push(`last_updated >= ${values.moment(sinceMs)}`);
  if (at) tests.push(`last_updated <= ${values.moment(at.high)}`);
  return tests;
}
