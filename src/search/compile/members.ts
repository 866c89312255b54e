// The statements for everything in a compartment, in the order of type and id, from the references to its resource:
// https://hl7.org/fhir/R4/http.html#vsearch

import type { CompartmentQuery } from '../compartment-query.ts';
import { all, candidatesMax } from './candidates.ts';
import { momentTest, type SearchStatement, SqlValues } from './sql.ts';

/** Where the page before ended, or the page behind begins. */
export interface MemberPosition {
  readonly type: string;
  readonly id: string;
}

/**
 * One page and a row more, as SearchRows. Each parameter of each type gives its first few references behind the position from
 * the index on targets, which is in this order, so a page costs the same however much there is in the compartment. With a
 * condition on the last update so many are looked at as a search has candidates; `overflow` says when that was too few.
 * Backward it is the page that ends at the position, or the last one, its last row first.
 */
export function memberStatement(
  query: CompartmentQuery,
  position: MemberPosition | undefined,
  isBackward = false,
): SearchStatement {
  const values = new SqlValues();
  const at: Place = { position, isBackward };
  const [sign, direction] = isBackward ? ['<', ' DESC'] : ['>', ''];
  const limit = values.bind(query.count + 1);
  const tests = updateTests(query, values);
  const linksMax = tests === 'true' ? limit : values.bind(candidatesMax + 1);
  const { owner, own } = ownRow(query, at, values);
  return {
    text: `WITH link AS MATERIALIZED (
  SELECT m.type, m.id FROM (
    SELECT f.source_type AS type, f.source_id AS id FROM ${wantedRows(query, at, values)}
    CROSS JOIN LATERAL (
      SELECT f.source_type, f.source_id FROM reference f
      WHERE ${owner} AND f.source_type = wanted.type AND f.parameter = wanted.parameter AND f.source_id ${sign} wanted.from_id
      ORDER BY f.source_id${direction} LIMIT ${linksMax}) f
    UNION ${own}) m
  ORDER BY m.type${direction}, m.id${direction} LIMIT ${linksMax}),
page AS MATERIALIZED (
  SELECT r.* FROM link l CROSS JOIN LATERAL (${resourceOf('l')}) r
  WHERE ${tests} ORDER BY l.type${direction}, l.id${direction} LIMIT ${limit}),
state AS (
  SELECT (SELECT count(*) FROM link) = ${linksMax} AND (SELECT count(*) FROM page) < ${limit} AS overflow)
SELECT s.overflow, NULL::integer AS matched, p.* FROM state s LEFT JOIN (
  SELECT 'match' AS mode, r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id, NULL::text[] AS sources
  FROM page r) p ON true ORDER BY p.type${direction}, p.id${direction}`,
    values: values.all,
  };
}

/** Gives one row { overflow, total }: the total is exact unless there were more references than are read. */
export function memberCountStatement(query: CompartmentQuery, referencesMax: number): SearchStatement {
  const values = new SqlValues();
  const max = values.bind(referencesMax);
  const tests = updateTests(query, values);
  const { owner, own } = ownRow(query, everything, values);
  const filtered = tests === 'true' ? '' : ` CROSS JOIN LATERAL (${resourceOf('m')}) r WHERE ${tests}`;
  return {
    text: `WITH link AS MATERIALIZED (
  SELECT f.source_type AS type, f.source_id AS id FROM ${wantedRows(query, everything, values)}
  CROSS JOIN LATERAL (
    SELECT f.source_type, f.source_id FROM reference f
    WHERE ${owner} AND f.source_type = wanted.type AND f.parameter = wanted.parameter AND f.source_id > wanted.from_id OFFSET 0) f
  LIMIT ${max}::bigint + 1)
SELECT (SELECT count(*) FROM link) > ${max} AS overflow,
  (SELECT count(*)::integer FROM (SELECT l.type, l.id FROM link l UNION ${own}) m${filtered}) AS total`,
    values: values.all,
  };
}

function resourceOf(alias: string): string {
  return `SELECT r.* FROM resource r WHERE r.type = ${alias}.type AND r.id = ${alias}.id OFFSET 0`;
}

function updateTests({ criteria }: CompartmentQuery, values: SqlValues): string {
  return all(
    criteria.flatMap((criterion) =>
      criterion.kind === 'lastUpdated' ? [momentTest(criterion.values, 'r.last_updated', { values })] : [],
    ),
  );
}

interface Place {
  readonly position: MemberPosition | undefined;
  readonly isBackward: boolean;
}

const everything: Place = { position: undefined, isBackward: false };

/** Sorts behind every id: https://hl7.org/fhir/R4/datatypes.html#id */
const behindAllIds = '~';

/** One row for each parameter of each type that can still come, with the id from which to go on. */
function wantedRows({ members }: CompartmentQuery, { position, isBackward }: Place, values: SqlValues): string {
  const isLeft = (type: string) => !position || (isBackward ? type <= position.type : type >= position.type);
  const rows = members
    .filter(({ type }) => isLeft(type))
    .flatMap(({ type, parameters }) => parameters.map((parameter) => ({ type, parameter })));
  const end = isBackward ? behindAllIds : '';
  const types = values.bind(rows.map(({ type }) => type));
  const parameters = values.bind(rows.map(({ parameter }) => parameter));
  const fromIds = values.bind(rows.map(({ type }) => (type === position?.type ? position.id : end)));
  return `unnest(${types}::text[], ${parameters}::text[], ${fromIds}::text[]) AS wanted(type, parameter, from_id)`;
}

/** The compartment's own resource, which needs no reference to itself. */
function ownRow({ members, compartment }: CompartmentQuery, place: Place, values: SqlValues) {
  const { type, id } = compartment;
  const isAsked = members.some((member) => member.type === type);
  const typeValue = values.bind(type);
  const idValue = values.bind(id);
  const isWanted = values.bind(isAsked && isFurther(compartment, place));
  return {
    owner: `f.target_type = ${typeValue} AND f.target_id = ${idValue}`,
    own: `SELECT r.type, r.id FROM resource r
      WHERE ${isWanted}::boolean AND r.type = ${typeValue} AND r.id = ${idValue} AND NOT r.deleted`,
  };
}

/** In the direction of the page. */
function isFurther({ type, id }: MemberPosition, { position, isBackward }: Place): boolean {
  if (!position) return true;
  if (type !== position.type) return type < position.type === isBackward;
  return id !== position.id && id < position.id === isBackward;
}
