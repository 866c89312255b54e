// The versions of one resource, newest first: https://hl7.org/fhir/R4/http.html#history

import { requirePermission } from '../access/may.ts';
import { isId } from '../fhir/ids.ts';
import { notFound } from '../fhir/outcome.ts';
import { SqlValues } from '../search/compile/sql.ts';
import { auditEventType } from './audit-rows.ts';
import { requireVisible } from './binary.ts';
import { type HistoryPage, history } from './history.ts';
import { auditEventSource } from './history-audit-event.ts';
import type { HistoryRequest, HistorySource } from './history-source.ts';
import { find } from './read.ts';
import { rowsOf } from './row-access.ts';
import type { Session } from './session.ts';
import { versionColumns } from './stored-version.ts';
import { isVisible } from './visible.ts';

/** Throws 404 when the resource never existed in this tenant; deletions are versions without a body. */
export async function historyInstance(session: Session, request: HistoryRequest): Promise<HistoryPage> {
  const { type, id } = request;
  requirePermission(session.caller, 'r', type);
  if (!isId(id)) throw notFound(type, id);
  if (type === 'Binary') await requireVisible(session, id);
  else if (rowsOf(session, 'r', type)) await requireCurrent(session, type, id);
  const source = type === auditEventType ? auditEventSource(request, totalMax) : instanceSource(request);
  return await history(session, request, source);
}

/** Whose record it is now decides who may see its past; each version is asked about for itself as well. */
async function requireCurrent(session: Session, type: string, id: string): Promise<void> {
  const current = await find(session, type, id);
  if (!current || !(await isVisible(session, current))) throw notFound(type, id);
}

/** One resource has few versions, so all are counted. */
const totalMax = 100_000;

/** In the order of the version's number, which is the order in which they were made. */
function instanceSource(request: HistoryRequest): HistorySource {
  const { type, id } = request;
  return {
    existence: {
      name: 'history-exists',
      text: 'SELECT version_id FROM resource WHERE type = $1 AND id = $2',
      values: [type, id],
    },
    totalMax,
    page(limit, after) {
      const values = new SqlValues();
      const versions = versionsOf(request, values);
      const below = after ? `AND version_id < ${values.bind(after.versionId)}` : '';
      return {
        text: `SELECT ${versionColumns}, true AS passes FROM ${versions} ${below}
               ORDER BY version_id DESC LIMIT ${values.bind(limit)}`,
        values: values.all,
      };
    },
    count(max) {
      const values = new SqlValues();
      const counted = `SELECT FROM ${versionsOf(request, values)} LIMIT ${values.bind(max + 1)}`;
      return {
        text: `SELECT count(*)::integer AS total, count(*)::integer AS examined FROM (${counted}) AS counted`,
        values: values.all,
      };
    },
  };
}

/** A relation and its conditions: the versions that the request is about. */
function versionsOf({ type, id, sinceMs, at }: HistoryRequest, values: SqlValues): string {
  const own = `type = ${values.bind(type)} AND id = ${values.bind(id)}`;
  const since = sinceMs === undefined ? 'true' : `last_updated >= ${values.moment(sinceMs)}`;
  if (!at) return `version WHERE ${own} AND ${since}`;
  const low = values.moment(at.low);
  // A deletion happens at a time; after it nothing is current.
  return `(SELECT version.*, lead(last_updated) OVER (ORDER BY version_id) AS replaced FROM version WHERE ${own}) AS version
    WHERE ${since} AND last_updated <= ${values.moment(at.high)}
      AND (last_updated >= ${low} OR (NOT deleted AND (replaced IS NULL OR replaced > ${low})))`;
}
