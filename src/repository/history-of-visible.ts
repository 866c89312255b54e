// The versions of those resources of a type that a caller may find, where that is not all of them: by their ids, since in the
// order of time nothing tells whose a version was: https://hl7.org/fhir/R4/http.html#history

import { fhirError } from '../fhir/outcome.ts';
import { SqlValues } from '../search/compile/sql.ts';
import { findMatches } from './find-matches.ts';
import type { HistoryRequest, HistorySource } from './history-source.ts';
import { queryOf, type Rows } from './row-access.ts';
import type { Session } from './session.ts';
import { versionColumns } from './stored-version.ts';

/** Of more resources the history of each has to be asked for. */
export const visibleMax = 1_000;

const newestFirst = 'ORDER BY last_updated DESC, id DESC, version_id DESC';

/** Throws 400 `too-costly` where there are more. What is deleted is not among them: nothing says any more whose it was. */
export async function visibleSource(
  session: Session,
  request: HistoryRequest,
  rows: Rows,
  totalMax: number,
): Promise<HistorySource> {
  const ids = await visibleIds(session, request.type, rows);
  return {
    totalMax,
    page(limit, after) {
      const values = new SqlValues();
      const tests = testsOf(request, values);
      if (after) {
        const place = [values.moment(after.lastUpdatedMs), values.bind(after.id), values.bind(after.versionId)];
        tests.push(`(last_updated, id, version_id) < (${place[0]}, ${place[1]}::text, ${place[2]}::integer)`);
      }
      return {
        text: `SELECT ${versionColumns}, true AS passes FROM ${versionsOf(request, ids, values)}
               WHERE ${tests.join(' AND ')} ${newestFirst} LIMIT ${values.bind(limit)}`,
        values: values.all,
      };
    },
    count(max) {
      const values = new SqlValues();
      const tests = testsOf(request, values).join(' AND ');
      const counted = `SELECT FROM ${versionsOf(request, ids, values)} WHERE ${tests} LIMIT ${values.bind(max + 1)}`;
      return {
        text: `SELECT count(*)::integer AS total, count(*)::integer AS examined FROM (${counted}) AS counted`,
        values: values.all,
      };
    },
  };
}

async function visibleIds(session: Session, type: string, { criteria }: Rows): Promise<string[]> {
  const query = queryOf(type, criteria, visibleMax + 1);
  const [found = []] = await findMatches(session, [{ query, matchesMax: visibleMax + 1, needsBody: false }]);
  if (found.length <= visibleMax) return found.map(({ id }) => id);
  throw fhirError(
    'too-costly',
    `The access token allows more than ${visibleMax} ${type}, but not all: ask for the history of each by ${type}/[id]/_history.`,
  );
}

function testsOf({ sinceMs, at }: HistoryRequest, values: SqlValues): string[] {
  const tests = ['true'];
  if (sinceMs !== undefined) tests.push(`last_updated >= ${values.moment(sinceMs)}`);
  if (!at) return tests;
  const low = values.moment(at.low);
  // A deletion happens at a time; after it nothing is current.
  const wasCurrent = `(last_updated >= ${low} OR (NOT deleted AND (replaced IS NULL OR replaced > ${low})))`;
  return [...tests, `last_updated <= ${values.moment(at.high)}`, wasCurrent];
}

/** Each by the primary key: OFFSET 0 keeps the planner from reading the type. */
function versionsOf({ type }: HistoryRequest, ids: readonly string[], values: SqlValues): string {
  const own = `v.type = ${values.bind(type)} AND v.id = k.id`;
  return `(SELECT v.*, lead(v.last_updated) OVER (PARTITION BY v.id ORDER BY v.version_id) AS replaced
    FROM unnest(${values.bind(ids)}::text[]) AS k (id)
    CROSS JOIN LATERAL (SELECT v.* FROM version v WHERE ${own} OFFSET 0) v) AS version`;
}
