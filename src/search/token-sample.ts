// Which tokens are common among a tenant's resources of a type, from a sample that is drawn now and then: looking a common
// token up in the index gives a good part of the type, while a walk that tests it on each row soon has its page.

import type { SendStatement } from './collect-page.ts';
import type { SearchStatement } from './compile/sql.ts';
import { leavesOf } from './criterion-tree.ts';
import type { Criterion, SearchQuery } from './search-query.ts';

export interface TokenSample {
  /** Of the type, when the sample was drawn. */
  readonly resources: number;
  /** True where each has the token of its slice: see slices.ts. */
  readonly isSliced?: boolean;
  /** The part of them that has the token, 0 where hardly any has. */
  shareOf(token: bigint): number;
}

/** By type; undefined where nothing is common enough to matter. */
export type SampleOf = (type: string) => TokenSample | undefined;

export interface SampleAccess {
  readonly send: SendStatement;
  readonly tokenOf: (text: string) => bigint;
}

/** From this generation of the index on each resource has the token of its slice: slices.ts. */
const slicedSince = 3;
/** Of fewer resources even all are looked up. */
const resourcesMin = 1_000;
/** From so many moments of the type's time so many resources are read. */
const moments = 200;
const resourcesEach = 5;
export const sampleSize: number = moments * resourcesEach;
/** At so many moments before, evenly spread, is looked for the time around them in which there is nothing. */
const looks = 32;
/** Of what is left, each stretch counts for as long as it is, and a part of their mean: at one moment there may be as many as in a year. */
const evenly = 4;
/** And for such a part where there are hardly any. */
const hardlyAny = 1_000;
/** Fewer resources of the sample say nothing. */
const seenMin = 5;
/** Its multiples spread evenly, and out of step with whatever comes at regular times. */
const goldenRatio = 0.6180339887498949;
/** So many are counted. */
const auditEventsMax = 25_000;
const typesMax = 500;
const lifeMs = 10 * 60_000;
/** Then another one tries. */
const drawingMs = 10_000;

interface Kept {
  readonly sample: TokenSample | undefined;
  readonly until: number;
}

/** A tenant is known by what makes its tokens; what becomes of its keys becomes of its samples. */
const kept = new WeakMap<SampleAccess['tokenOf'], Map<string, Kept>>();

/**
 * Of the types whose tokens the query asks by. Nothing that is found depends on them, only what is tried first. Undefined for
 * a search that needs none.
 */
export async function sampleTokens(query: SearchQuery, access: SampleAccess): Promise<SampleOf | undefined> {
  if (query.criteria.length === 0 || query.criteria.some(findsFew)) return undefined;
  const samples = kept.get(access.tokenOf) ?? new Map<string, Kept>();
  kept.set(access.tokenOf, samples);
  const now = performance.now();
  const missing = [...typesOf(query)].filter((type) => (samples.get(type)?.until ?? 0) <= now);
  if (samples.size + missing.length > typesMax) samples.clear();
  // Who comes while one is drawn goes without, or by the one before: nobody waits for another's transaction.
  for (const type of missing) samples.set(type, { sample: samples.get(type)?.sample, until: now + drawingMs });
  const drawn = await Promise.allSettled(missing.map((type) => draw(type, access.send)));
  for (const [index, result] of drawn.entries()) {
    if (result.status === 'rejected') throw result.reason;
    samples.set(missing[index] as string, { sample: result.value, until: now + lifeMs });
  }
  return (type) => samples.get(type)?.sample;
}

/** Where these are asked for, nothing else is looked up alone. */
function findsFew(criterion: Criterion): boolean {
  if (criterion.kind === 'id') return true;
  return criterion.kind === 'token' && criterion.key.endsWith('.identifier');
}

function typesOf({ type, criteria }: SearchQuery): Set<string> {
  const leaves = criteria.flatMap((criterion) => leavesOf(criterion, type));
  const types = leaves.flatMap((leaf) => (findsFew(leaf.criterion) || isOrdered(leaf.criterion) ? [] : [leaf.type]));
  // How many resources there are that may be linked counts too.
  return new Set(types.length > 0 ? [type, ...types] : []);
}

/** Found along an index in order, by no token. */
function isOrdered({ kind }: Criterion): boolean {
  return kind === 'lastUpdated' || kind === 'number' || kind === 'quantity';
}

async function draw(type: string, send: SendStatement): Promise<TokenSample | undefined> {
  const rows = await send<SampleRow>(sampleStatement(type));
  const [first] = rows;
  if (!first || !(first.size > 0)) return undefined;
  const common = rows.filter((row): row is CommonToken => row.token !== null);
  // Thousands of samples may be kept, each with hundreds of tokens.
  const tokens = BigInt64Array.from(common, ({ token }) => BigInt(token));
  const shares = Float32Array.from(common, ({ seen }) => seen / first.size);
  const isSliced = (first.generation ?? 0) >= slicedSince;
  return { resources: Number(first.resources), isSliced, shareOf: (token) => shares[placeOf(token, tokens)] ?? 0 };
}

/** In an ascending list; -1 where it is not in there. */
function placeOf(token: bigint, tokens: BigInt64Array): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tokens[middle] as bigint) < token) low = middle + 1;
    else high = middle;
  }
  return tokens[low] === token ? low : -1;
}

interface SampleRow {
  readonly resources: string;
  readonly size: number;
  readonly generation: number | null;
  readonly token: string | null;
  readonly seen: number;
}

type CommonToken = SampleRow & { readonly token: string };

/** Gives the first update that passes the test, or with ` DESC` the last. */
type End = (test: string, direction: '' | ' DESC') => string;

/**
 * Reads a few resources behind each of many moments between the first and the last update of the type, spread over the time in which
 * there are some: where years were imported in a night, or nothing came for long, the same few would else be read again and again.
 */
export function sampleStatement(type: string): SearchStatement {
  const isAudit = type === 'AuditEvent';
  const view = isAudit ? 'audit_event' : 'resource';
  const ofType = isAudit ? 'true' : 'r.type = $1';
  const end: End = (test, direction) =>
    `(SELECT r.last_updated FROM ${view} r WHERE ${ofType}${test} ORDER BY r.last_updated${direction}, r.id${direction} LIMIT 1)`;
  const text = `WITH known AS MATERIALIZED (${isAudit ? countedAudit : countedType}),
ends AS MATERIALIZED (
  SELECT ${end('', '')} AS low, ${end('', ' DESC')} AS high FROM known WHERE known.resources >= ${resourcesMin}),
${stretches(view, ofType, end)},
sample AS MATERIALIZED (
  SELECT r.tokens FROM (
    SELECT (place * ${goldenRatio} % 1)::float8 AS part FROM generate_series(0, ${moments - 1}) AS place) p CROSS JOIN LATERAL (
    SELECT s.low + s.length * ((s.whole * p.part - s.before) / s.share) AS at FROM stretch s
    WHERE s.before <= s.whole * p.part ORDER BY s.before DESC LIMIT 1) m CROSS JOIN LATERAL (
    SELECT r.tokens FROM ${view} r WHERE ${ofType} AND r.last_updated >= m.at
    ORDER BY r.last_updated, r.id LIMIT ${resourcesEach}) r)
SELECT k.resources, (SELECT count(*) FROM sample)::integer AS size, t.token, t.seen,
  (SELECT i.generation FROM search_index i) AS generation
FROM known k LEFT JOIN (
  SELECT u.token::text AS token, count(*)::integer AS seen FROM sample s CROSS JOIN LATERAL ${isAudit ? auditTokens : 'unnest(s.tokens)'} AS u(token)
  GROUP BY u.token HAVING count(*) >= ${seenMin}) t ON true
ORDER BY t.token::bigint`;
  return { name: isAudit ? 'audit-sample' : 'token-sample', text, values: isAudit ? [] : [type] };
}

/**
 * Continues `ends` (low, high) with `stretch` (low, length, share, before, whole): the times in which there are resources, each with
 * its share in seconds, the shares before it and all together. A moment with many counts too: there may be as many as in a year.
 */
function stretches(view: string, ofType: string, end: End): string {
  return `gap AS MATERIALIZED (
  SELECT DISTINCT ${end(' AND r.last_updated < looked.at', ' DESC')} AS low, ${end(' AND r.last_updated >= looked.at', '')} AS high
  FROM (
    SELECT ends.low + (ends.high - ends.low) * (place / ${looks}::float8) AS at
    FROM ends CROSS JOIN generate_series(1, ${looks - 1}) AS place WHERE ends.low < ends.high) looked),
busy AS MATERIALIZED (
  SELECT b.low, b.length, EXISTS (
      SELECT FROM ${view} r WHERE ${ofType} AND r.last_updated >= b.low AND r.last_updated <= b.low + b.length
      ORDER BY r.last_updated, r.id OFFSET ${resourcesEach - 1} LIMIT 1) AS is_many
  FROM (
    SELECT c.low, lead(c.high, 1, (SELECT ends.high FROM ends)) OVER (ORDER BY c.low) - c.low AS length FROM (
      SELECT ends.low, ends.low AS high FROM ends UNION ALL SELECT gap.high, gap.low FROM gap) c) b),
stretch AS MATERIALIZED (
  SELECT s.*, sum(s.share) OVER (ORDER BY s.low) - s.share AS before, sum(s.share) OVER () AS whole FROM (
    SELECT b.low, b.length, CASE WHEN b.is_many THEN extract(epoch FROM b.length)::float8 + m.mean / ${evenly} ELSE m.mean / ${hardlyAny} END AS share
    FROM busy b CROSS JOIN (
      SELECT coalesce(nullif(avg(extract(epoch FROM o.length)), 0), 1)::float8 AS mean FROM busy o WHERE o.is_many) m) s)`;
}

const countedType = `
  SELECT coalesce(sum(c.amount), 0)::bigint AS resources FROM type_count c WHERE c.type = $1`;
/** Of AuditEvents there are no counters, and more than anybody wants to know. */
const countedAudit = `
  SELECT count(*)::bigint AS resources FROM (SELECT FROM audit_event LIMIT ${auditEventsMax}) a`;
/** Those of the groups that an event names, too (repository/token-groups.ts). */
const auditTokens = `(
    SELECT unnest(s.tokens) UNION SELECT unnest(g.tokens) FROM audit_token_group g WHERE g.token = ANY(s.tokens))`;
