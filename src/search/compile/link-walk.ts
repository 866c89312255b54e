// The statement for a search by what one link leads to, where no order was asked for: from linked resource to linked resource, slice by
// slice, as the indexes of links have those that refer to each, or that each refers to, in order:
// https://hl7.org/fhir/R4/search.html#chaining and #has

import { sliceOf, sliceSql, slices, slicesCount, sliceText } from '../slices.ts';
import { all, candidatesMax, sortConditions, testAll } from './candidates.ts';
import type { Condition } from './condition.ts';
import { type LinkedCondition, type LinkSides, linkedContext, sidesOf } from './linked.ts';
import { type PageOptions, selectPage } from './select-page.ts';
import { fewSlices, growth, isListed, testsOfRow } from './slice-walk.ts';
import { isBehind, orderBy } from './sort.ts';
import { isLive, isOfType, type SqlContext, tokenArray, tokenTests } from './sql.ts';
import { walkMax } from './walk-bounds.ts';

export interface LinkWalk {
  readonly condition: LinkedCondition;
  /** So many slices of the linked resources probably hold a page; 0 = nobody knows. */
  readonly slicesNeeded: number;
}

/** No more links are counted, of the linked resources in a few slices. */
const countedMax = 600;
/** By so few of those that are found it is told how many refer to each, of which so many are looked at. */
const weighed = { found: 8, links: 60 };
/** What more refer to is not looked at, unless a page before was found. */
const referringMax = 1_000;

/** True where the linked resources are found by their tokens. */
export function canWalkLinks({ conditions }: LinkedCondition): boolean {
  const { tokens, composed, ids } = sortConditions(conditions);
  return tokens.some(isListed) && composed.length + ids.length === 0;
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
  ${
    targets.isReverse
      ? `others AS MATERIALIZED (${firstOfAll(targets, rest, { ...page, limit }, context)})`
      : `remaining AS MATERIALIZED (SELECT t.* FROM left_over t WHERE ${rest} AND ${bound}),
  others AS MATERIALIZED (${rows('remaining')})`
  },
  page AS MATERIALIZED (
    SELECT c.* FROM (SELECT * FROM near UNION ALL SELECT * FROM further UNION ALL SELECT * FROM others) c
    ORDER BY ${orderBy(order, 'c')} LIMIT ${limit}),
  state AS (
    SELECT (SELECT count(*) FROM left_over) > ${candidatesMax} OR EXISTS (SELECT FROM page p WHERE p.is_beyond) AS overflow, NULL::integer AS matched)${selectPage(page, context)}`;
}

/** Gives about how many there are, from a few slices of so many linked resources. */
export function linkEstimate({ condition }: LinkWalk, matches: number, context: SqlContext): string {
  const few = fewSlices(matches);
  const targets = targetsOf(condition, context);
  const { sides, far, near } = targets;
  // Who is referred to by several is counted for a part each time.
  const weight =
    () => `(SELECT avg(1.0 / greatest(w.referring, 1)) FROM (SELECT c.id FROM counted c LIMIT ${weighed.found}) c CROSS JOIN LATERAL (
      SELECT count(*) AS referring FROM (
        SELECT o.${far}_id AS id FROM reference o WHERE ${sides('o')} AND o.${near}_id = c.id LIMIT ${weighed.links}) o
      WHERE ${meets(targets, 'o.id')}) w)`;
  return `WITH counted AS MATERIALIZED (
    SELECT f.id FROM (${targets.of('true', few)}) t
    CROSS JOIN LATERAL (SELECT f.${near}_id AS id FROM reference f WHERE ${sides('f')} AND f.${far}_id = t.id OFFSET 0) f LIMIT ${countedMax})
  SELECT coalesce(count(*) * ${slicesCount} / ${context.values.bind(few.length)}::integer${condition.isReverse ? ` * ${weight()}` : ''}, 0)::integer AS total FROM counted`;
}

interface Targets extends LinkSides {
  readonly linked: SqlContext;
  readonly conditions: readonly Condition[];
  readonly isReverse: boolean;
  /** Which rows of reference lead to them. */
  readonly sides: (alias: string) => string;
  /** Selects them, with `k1`: all, or those of some slices. */
  readonly of: (isWanted: string, some?: readonly string[]) => string;
}

function targetsOf(condition: LinkedCondition, context: SqlContext): Targets {
  const { conditions, type, isReverse } = condition;
  const linked = linkedContext(condition, context);
  const { near, far } = sidesOf(condition);
  const parameter = context.values.bind(condition.parameter);
  const sorted = sortConditions(conditions);
  const listed = tokenTests(sorted.tokens.filter(isListed), 'r', linked);
  const tests = testsOfRow(sorted, linked);
  return {
    linked,
    conditions,
    isReverse,
    near,
    far,
    sides: (alias) =>
      `${alias}.${far}_type = ${linked.type} AND ${alias}.${near}_type = ${context.type} AND ${alias}.parameter = ${parameter}`,
    of: (isWanted, some) => {
      const texts = some?.map((slice) => sliceText(type, slice));
      const sliced = texts ? [`r.tokens && ${tokenArray(texts, context)}`] : [];
      return `SELECT r.id, ${keySql('r.id')} AS k1 FROM (
      SELECT r.* FROM resource r WHERE ${all([isWanted, ...sliced, ...listed])} OFFSET 0) r WHERE ${tests}`;
    },
  };
}

/** What leads to several of them counts where it leads to the first. What has links of its own is live. */
function linksOf(
  targets: Targets,
  step: string,
  { order, after, limit, rowsMax }: PageOptions & { readonly limit: string },
  context: SqlContext,
): string {
  const { sides, near, far, isReverse } = targets;
  const direction = order.isReversed ? ' DESC' : '';
  const [sign, none] = order.isReversed ? ['<', '~'] : ['>', ''];
  const { values } = context;
  const behind =
    after &&
    `f.${near}_id ${sign} CASE WHEN t.k1 = ${values.bind(after.keys[0])}::text THEN ${values.bind(after.id)}::text ELSE '${none}' END`;
  const others = `SELECT o.${far}_id AS id FROM reference o WHERE ${sides('o')} AND o.${near}_id = f.${near}_id`;
  const isFirst = (rows: string) =>
    `NOT EXISTS (SELECT FROM ${rows} WHERE ${keySql('o.id')} < t.k1 AND ${meets(targets, 'o.id')} OFFSET 0)`;
  const max = rowsMax === walkMax ? walkMax : referringMax;
  // A few resources are what one refers to, and any number what refers to one.
  const beside = isReverse
    ? ` CROSS JOIN LATERAL (SELECT array_agg(o.id) AS ids FROM (${others} LIMIT ${max + 1}) o) b`
    : '';
  const isBeyond = isReverse ? `cardinality(b.ids) > ${max}` : 'false';
  const isOne = isReverse
    ? `${isBeyond} OR EXISTS (SELECT FROM resource n WHERE ${isOfType('n', context)} AND n.id = f.${near}_id AND ${isLive('n', context)} OFFSET 0)
          AND ${isFirst('unnest(b.ids) AS o(id)')}`
    : isFirst(`(${others}) o`);
  return `
    SELECT x.id, NULL::timestamptz AS last_updated, t.k1, x.is_beyond FROM (SELECT * FROM ${step} t ORDER BY t.k1${direction}) t
    CROSS JOIN LATERAL (
      SELECT f.${near}_id AS id, ${isBeyond} AS is_beyond FROM reference f${beside}
      WHERE ${all([sides('f'), `f.${far}_id = t.id`, ...(behind ? [behind] : []), `(${isOne})`])}
      ORDER BY f.${near}_id${direction} LIMIT ${limit}) x
    ORDER BY t.k1${direction}, x.id${direction} LIMIT ${limit}`;
}

/** The same where all of them are known, so that nobody's others need be looked for. */
function firstOfAll(
  { sides, near, far }: Targets,
  rest: string,
  { order, after, limit }: PageOptions & { readonly limit: string },
  context: SqlContext,
): string {
  const isHere = `EXISTS (SELECT FROM resource n WHERE ${isOfType('n', context)} AND n.id = t.id AND ${isLive('n', context)} OFFSET 0)`;
  return `
    SELECT t.id, NULL::timestamptz AS last_updated, t.k1, false AS is_beyond FROM (
      SELECT f.id, min(t.k1) AS k1 FROM left_over t
      CROSS JOIN LATERAL (SELECT f.${near}_id AS id FROM reference f WHERE ${sides('f')} AND f.${far}_id = t.id OFFSET 0) f
      GROUP BY f.id OFFSET 0) t
    WHERE ${all([rest, isBehind(after, order, () => 't.k1', 't.id', context), isHere])} ORDER BY ${orderBy(order, 't')} LIMIT ${limit}`;
}

function meets({ linked, conditions }: Targets, id: string): string {
  return `EXISTS (SELECT FROM resource l WHERE ${isOfType('l', linked)} AND l.id = ${id} AND ${isLive('l', linked)}
          AND ${testAll(conditions, 'l', linked)} OFFSET 0)`;
}
