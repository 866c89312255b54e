// The statement for a search by links to or from a few resources that are known by their ids, as the items of a List, in the order of
// ids: the indexes of links have them in that order: https://hl7.org/fhir/R4/search.html#list

import { all, type SortedConditions, testAll } from './candidates.ts';
import { type LinkedCondition, linkedContext, sidesOf } from './linked.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { isBehind, readsDown, type SortOrder } from './sort.ts';
import { isLive, isOfType, type SqlContext } from './sql.ts';

/** Of more each has links of its own to begin with. */
const idsMax = 10;
/** So many links are followed for each resource of a page: some lead to what is gone, or, where more is asked, to what is not meant. */
const linksEach = { alone: 2, beside: 10 };

/** The condition whose links are gone along, where the order is that of ids. */
export function listedLink({ composed }: SortedConditions, { keys, isSliced }: SortOrder): LinkedCondition | undefined {
  if (keys.length > 0 || isSliced) return undefined;
  return composed.filter((condition) => condition.kind === 'linked').find(isOfIds);
}

function isOfIds({ conditions: [only, ...others] }: LinkedCondition): boolean {
  return only?.kind === 'ids' && only.ids.length <= idsMax && others.length === 0;
}

export function listStatement(
  link: LinkedCondition,
  conditions: SortedConditions,
  page: PageOptions,
  context: SqlContext,
): string {
  const { order, after, count } = page;
  const direction = readsDown(order) ? ' DESC' : '';
  const limit = context.values.bind(count + 1);
  const others = conditions.all.filter((condition) => condition !== link);
  const linksMax = context.values.bind((others.length === 0 ? linksEach.alone : linksEach.beside) * (count + 1));
  const behind = isBehind(after, order, () => '', 'f.id', context);
  return `WITH link AS MATERIALIZED (
    SELECT DISTINCT f.id FROM ${linksOf(link, `WHERE ${behind} ORDER BY f.id${direction} LIMIT ${linksMax}`, context)}
    ORDER BY f.id${direction} LIMIT ${linksMax}),
  page AS MATERIALIZED (
    SELECT r.id, r.last_updated FROM link l
    CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE ${isOfType('r', context)} AND r.id = l.id OFFSET 0) r
    WHERE ${isLive('r', context)} AND ${testAll(others, 'r', context)} ORDER BY r.id${direction} LIMIT ${limit}),
  state AS (
    SELECT (SELECT count(*) FROM link) = ${linksMax} AND (SELECT count(*) FROM page) < ${limit} AS overflow, NULL::integer AS matched)${selectPage(page, context)}`;
}

/** Gives the number of links up to `totalMax` and one more; what they lead to may be gone. */
export function listEstimate(link: LinkedCondition, totalMax: number, context: SqlContext): string {
  const limit = `LIMIT ${totalMax + 1}`;
  return `SELECT count(*)::integer AS total FROM (SELECT DISTINCT f.id FROM ${linksOf(link, limit, context)} ${limit}) counted`;
}

/** Rows `f` with the `id` at the end of each link, for each of those that are there. */
function linksOf(link: LinkedCondition, which: string, context: SqlContext): string {
  const linked = linkedContext(link, context);
  const { near, far } = sidesOf(link);
  const [only] = link.conditions;
  const ids = only?.kind === 'ids' ? only.ids : [];
  const sides = all([
    `f.${far}_type = ${linked.type} AND f.${far}_id = l.id AND f.${near}_type = ${context.type}`,
    `f.parameter = ${context.values.bind(link.parameter)}`,
  ]);
  return `resource l CROSS JOIN LATERAL (
      SELECT f.id FROM (SELECT f.${near}_id AS id FROM reference f WHERE ${sides}) f ${which}) f
    WHERE ${isOfType('l', linked)} AND l.id = ANY(${context.values.bind(ids)}::text[]) AND ${isLive('l', linked)}`;
}
