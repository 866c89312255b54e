// The statements that walk versions of many resources back in time, type by type along the indexes: https://hl7.org/fhir/R4/http.html#history

import { latestMs } from '../fhir/dates.ts';
import { SqlValues } from '../search/compile/sql.ts';
import type { HistoryPosition, HistoryRequest, HistorySource } from './history-source.ts';
import { versionColumns } from './stored-version.ts';

export interface WalkOptions {
  /** Undefined for all that the tenant has. */
  readonly types: readonly string[] | undefined;
  readonly totalMax: number;
}

/**
 * A page of `_at` looks at so many versions and no more, for most may have been replaced before that time: it ends where it
 * stopped looking, with fewer versions than asked for, and the next one goes on there.
 */
const examinedMax = 1_000;

/** Equal times, as of all that a transaction wrote, are told apart by type, id and version. */
const newestFirst = 'ORDER BY last_updated DESC, type DESC, id DESC, version_id DESC';
const oldestFirst = 'ORDER BY last_updated, type, id, version_id';

export function versionWalk(request: HistoryRequest, { types, totalMax }: WalkOptions): HistorySource {
  return {
    totalMax,
    page(limit, after) {
      const walk = new Walk(request, types, after ?? startOf(request));
      return request.at ? walk.windowPage(limit) : walk.page(limit);
    },
    count(max) {
      return new Walk(request, types, startOf(request)).count(max);
    },
  };
}

/** Before the newest version there can be; no type is called less than the empty text. */
function startOf({ at }: HistoryRequest): HistoryPosition {
  return { lastUpdatedMs: at ? at.high + 1 : latestMs, type: '', id: '', versionId: 0 };
}

/** Its statements have no name, as those of searches have none: see SearchStatement. */
class Walk {
  readonly #values = new SqlValues();
  readonly #request: HistoryRequest;
  readonly #bounds: string;

  constructor(request: HistoryRequest, types: readonly string[] | undefined, start: HistoryPosition) {
    this.#request = request;
    this.#bounds = this.#boundsOf(types, start);
  }

  page(limit: number) {
    const most = this.#values.bind(limit);
    const text = `${this.#bounds}
      SELECT ${versionColumns}, true AS passes FROM ${this.#versions(versionColumns, most)} ${newestFirst} LIMIT ${most}`;
    return { text, values: this.#values.all };
  }

  /** With the last that was looked at when there are more. */
  windowPage(limit: number) {
    const most = this.#values.bind(limit);
    const examined = this.#values.bind(examinedMax);
    const columns = `${versionColumns}, is_current`;
    const text = `${this.#bounds}, examined AS MATERIALIZED (
        SELECT ${columns} FROM ${this.#versions(columns, examined)} ${newestFirst} LIMIT ${examined})
      SELECT ${versionColumns}, passes FROM (
        (SELECT ${versionColumns}, true AS passes FROM examined v WHERE ${this.#wasCurrent()} ${newestFirst} LIMIT ${most})
        UNION ALL
        (SELECT ${versionColumns}, false FROM examined
         WHERE (SELECT count(*) FROM examined) = ${examined} ${oldestFirst} LIMIT 1)) AS found
      ${newestFirst}, passes DESC`;
    return { text, values: this.#values.all };
  }

  count(max: number) {
    const most = this.#values.bind(max + 1);
    const columns = this.#request.at ? 'type, id, version_id, last_updated, deleted, is_current' : 'type';
    const text = `${this.#bounds}
      SELECT count(*) FILTER (WHERE ${this.#wasCurrent()})::integer AS total, count(*)::integer AS examined
      FROM (SELECT ${columns} FROM ${this.#versions(columns, most)} LIMIT ${most}) AS v`;
    return { text, values: this.#values.all };
  }

  /**
   * The types, and what the walk of each begins below: the position in the order of all, which for a type that comes later
   * than the position's own lets in the versions of the same time.
   */
  #boundsOf(types: readonly string[] | undefined, start: HistoryPosition): string {
    const time = this.#values.moment(start.lastUpdatedMs);
    const id = `${this.#values.bind(start.id)}::text`;
    const versionId = `${this.#values.bind(start.versionId)}::integer`;
    const columns = 'bound (of_type, below_time, below_id, below_version)';
    if (types?.length === 1) {
      // Plain values, so that the planner can tell how much lies below them.
      return `WITH ${columns} AS (SELECT ${this.#values.bind(types[0])}::text COLLATE "C", ${time}, ${id}, ${versionId})`;
    }
    const type = `${this.#values.bind(start.type)}::text`;
    return `WITH RECURSIVE known (type) AS (${this.#knownTypes(types)}), ${columns} AS (
      SELECT type,
        CASE WHEN type < ${type} THEN ${time} + interval '1 ms' ELSE ${time} END,
        CASE WHEN type = ${type} THEN ${id} ELSE '' END,
        CASE WHEN type = ${type} THEN ${versionId} ELSE 0 END
      FROM known WHERE type IS NOT NULL)`;
  }

  /** Those there are come from the primary key, one step a type; what is deleted is still in there. */
  #knownTypes(types: readonly string[] | undefined): string {
    if (types) return `SELECT unnest(${this.#values.bind(types)}::text[]) COLLATE "C"`;
    return `(SELECT type FROM resource ORDER BY type LIMIT 1)
      UNION ALL
      SELECT (SELECT next.type FROM resource next WHERE next.type > known.type ORDER BY next.type LIMIT 1)
      FROM known WHERE known.type IS NOT NULL`;
  }

  /** The newest of each type below its bound. Both tables in one statement: between two, a version could move. */
  #versions(columns: string, limit: string): string {
    const { sinceMs } = this.#request;
    const since = sinceMs === undefined ? '' : ` AND v.last_updated >= ${this.#values.moment(sinceMs)}`;
    const chosen = `v.type = of_type AND (v.last_updated, v.id, v.version_id) < (below_time, below_id, below_version)${since}`;
    const named = columns.replace(', is_current', '');
    const current = (value: boolean) => (columns === named ? '' : `, ${value} AS is_current`);
    return `bound CROSS JOIN LATERAL (
        (SELECT ${named}${current(true)} FROM resource v WHERE ${chosen}
         ORDER BY last_updated DESC, id DESC LIMIT ${limit})
        UNION ALL
        (SELECT ${named}${current(false)} FROM history v WHERE ${chosen}
         ORDER BY last_updated DESC, id DESC, version_id DESC LIMIT ${limit})) AS version`;
  }

  /** Of a version `v` from before the end of the span. A deletion happens at a time; after it nothing is current. */
  #wasCurrent(): string {
    const { at } = this.#request;
    if (!at) return 'true';
    const low = this.#values.moment(at.low);
    // A day for the partition: the times of two versions can be the other way round by what their writers waited for each other.
    const isReplaced = (view: string) => `EXISTS (SELECT FROM ${view} next
      WHERE next.type = v.type AND next.id = v.id AND next.version_id = v.version_id + 1
        AND next.last_updated <= ${low} AND next.last_updated > v.last_updated - interval '1 day' OFFSET 0)`;
    // OFFSET 0 keeps the planner from reading all of a table to answer for all versions at once.
    return `(v.last_updated >= ${low} OR (NOT v.deleted
      AND (v.is_current OR NOT (${isReplaced('resource')} OR ${isReplaced('history')}))))`;
  }
}
