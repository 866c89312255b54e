// The statement for a search by what one link leads to, where no order was asked for: from linked resource to linked resource, slice by
// slice, as the index of links has those that refer to each in order: https://hl7.org/fhir/R4/search.html#chaining

import { sliceOf, sliceSql, slices, slicesCount, sliceText } from '../slices.ts';
import { all, candidatesMax, sortConditions, testAll } from './candidates.ts';
import type { Condition } from './condition.ts';
import { type LinkedCondition, linkedContext } from './linked.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { growth, isListed, testsOfRow } from './slice-walk.ts';
import { orderBy } from './sort.ts';
import { isLive, isOfType, type SqlContext, tokenArray, tokenTests } from './sql.ts';

export interface LinkWalk {
  readonly condition: LinkedCondition;
  /** So many slices of the linked resources probably hold a page; 0 = nobody knows. */
  readonly slicesNeeded: number;
}

/** Slices that hold so many linked resources tell how many lead to them, and no more links than these are counted. */
const counted = { targets: 50, links: 600 };

/** True where the linked resources are found by their tokens. */
export function canWalkLinks({ isReverse, conditions }: LinkedCondition): boolean {
  const { tokens, composed, ids } = sortConditions(conditions);
  return !isReverse && tokens.some(isListed) && composed.length + ids.length === 0;
}

/** True where none of these tokens is so common that it is not looked up. */
export function isNarrow({ conditions }: LinkedCondition): boolean {
  return sortConditions(conditions).tokens.every(({ isWide }) => !isWide);
}

/** Of the linked resources: the first sort key of those that lead to them. */
const keySql = (id: string) => `${sliceSql(id)} || '|' || ${id}`;

/** True for such a key, rather than that of a slice alone. */
export function isLinkKey(key: string | number | null): boolean {
  return String(key).includes('|');
}

export function linkStatement({ condition, slicesNeeded }: LinkWalk, page: PageOptions, context: SqlContext): string {
  const { order, after, count } = page;
  const { isReversed } = order;
  const limit = context.values.bind(count + 1);
  const targets = targetsOf(condition, context);
  const ordered = isReversed ? slices.toReversed() : slices;
  const key = after && String(after.keys[0]);
  const from = key === undefined ? 0 : ordered.indexOf(sliceOf(key.slice(key.indexOf('|') + 1)));
  const [first, second] = [from + slicesNeeded, from + slicesNeeded * (1 + growth)];
  const bound = key === undefined ? 'true' : `t.k1 ${isReversed ? '<=' : '>='} ${context.values.bind(key)}::text`;
  const rest = `left(t.k1, 2) ${isReversed ? '<=' : '>='} ${context.values.bind(ordered[Math.min(second, slicesCount - 1)])}::text`;
  const isLeft = `${context.values.bind(second < slicesCount)}::boolean`;
  const rows = (step: string) => linksOf(targets, step, { ...page, limit }, context);
  const isShort = (...steps: string[]) =>
    `${steps.map((step) => `(SELECT count(*) FROM ${step})`).join(' + ')} < ${limit}`;
  return `WITH close AS MATERIALIZED (
    SELECT t.* FROM (${targets.of('true', ordered.slice(from, first))}) t WHERE ${bound}),
  near AS MATERIALIZED (${rows('close')}),
  remoter AS MATERIALIZED (${targets.of(isShort('near'), ordered.slice(first, second))}),
  further AS MATERIALIZED (${rows('remoter')}),
  left_over AS MATERIALIZED (${targets.of(`${isLeft} AND ${isShort('near', 'further')}`)} LIMIT ${candidatesMax + 1}),
  remaining AS MATERIALIZED (SELECT t.* FROM left_over t WHERE ${rest} AND ${bound}),
  others AS MATERIALIZED (${rows('remaining')}),
  page AS MATERIALIZED (
    SELECT c.* FROM (SELECT * FROM near UNION ALL SELECT * FROM further UNION ALL SELECT * FROM others) c
    ORDER BY ${orderBy(order, 'c')} LIMIT ${limit}),
  state AS (SELECT (SELECT count(*) FROM left_over) > ${candidatesMax} AS overflow, NULL::integer AS matched)${selectPage(page, context)}`;
}

/** Gives about how many there are, from a few slices. */
export function linkEstimate({ condition }: LinkWalk, perSlice: number, context: SqlContext): string {
  const few = slices.slice(0, Math.ceil(counted.targets / perSlice));
  const { sides, of } = targetsOf(condition, context);
  return `SELECT (count(*) * ${slicesCount} / ${context.values.bind(few.length)}::integer)::integer AS total FROM (
    SELECT FROM (${of('true', few)}) t
    CROSS JOIN LATERAL (SELECT FROM reference f WHERE ${sides} AND f.target_id = t.id OFFSET 0) f LIMIT ${counted.links}) counted`;
}

interface Targets {
  readonly linked: SqlContext;
  readonly conditions: readonly Condition[];
  /** Which rows `f` of reference lead to them. */
  readonly sides: string;
  /** Selects them, with `k1`: all, or those of some slices. */
  readonly of: (isWanted: string, some?: readonly string[]) => string;
}

function targetsOf({ conditions, type, parameter, isReverse }: LinkedCondition, context: SqlContext): Targets {
  const linked = linkedContext({ kind: 'linked', isReverse, type, parameter, conditions }, context);
  const sorted = sortConditions(conditions);
  const listed = tokenTests(sorted.tokens.filter(isListed), 'r', linked);
  const tests = testsOfRow(sorted, linked);
  return {
    linked,
    conditions,
    sides: `f.target_type = ${linked.type} AND f.source_type = ${context.type} AND f.parameter = ${context.values.bind(parameter)}`,
    of: (isWanted, some) => {
      const texts = some?.map((slice) => sliceText(type, slice));
      const sliced = texts ? [`r.tokens && ${tokenArray(texts, context)}`] : [];
      return `SELECT r.id, ${keySql('r.id')} AS k1 FROM (
      SELECT r.* FROM resource r WHERE ${all([isWanted, ...sliced, ...listed])} OFFSET 0) r WHERE ${tests}`;
    },
  };
}

/** What refers to several of them counts where it refers to the first. What has links of its own is live. */
function linksOf(
  { linked, conditions, sides }: Targets,
  step: string,
  { order, after, limit }: PageOptions & { readonly limit: string },
  context: SqlContext,
): string {
  const direction = order.isReversed ? ' DESC' : '';
  const [sign, none] = order.isReversed ? ['<', '~'] : ['>', ''];
  const { values } = context;
  const behind =
    after &&
    `f.source_id ${sign} CASE WHEN t.k1 = ${values.bind(after.keys[0])}::text THEN ${values.bind(after.id)}::text ELSE '${none}' END`;
  const meets = `EXISTS (SELECT FROM resource l WHERE ${isOfType('l', linked)} AND l.id = o.target_id AND ${isLive('l', linked)}
          AND ${testAll(conditions, 'l', linked)} OFFSET 0)`;
  const isFirst = `NOT EXISTS (SELECT FROM reference o WHERE ${sides.replaceAll('f.', 'o.')} AND o.source_id = f.source_id
          AND ${keySql('o.target_id')} < t.k1 AND ${meets} OFFSET 0)`;
  return `
    SELECT x.id, NULL::timestamptz AS last_updated, t.k1 FROM (SELECT * FROM ${step} t ORDER BY t.k1${direction}) t
    CROSS JOIN LATERAL (
      SELECT f.source_id AS id FROM reference f WHERE ${all([sides, 'f.target_id = t.id', ...(behind ? [behind] : []), isFirst])}
      ORDER BY f.source_id${direction} LIMIT ${limit}) x
    ORDER BY t.k1${direction}, x.id${direction} LIMIT ${limit}`;
}
