// What resources point to and what points to them, as SQL: https://hl7.org/fhir/R4/search.html#revinclude

import type { Include } from '../search-query.ts';
import { type SearchStatement, SqlValues } from './sql.ts';

/** More resources are not sent along with a page. */
export const includesMax = 1000;
/** References that are followed for a page, however few resources they lead to: those of its own and those of a thousand. */
const linksMax = (shownCount: number) => 20 * shownCount + includesMax;

export interface ResourceKey {
  readonly type: string;
  readonly id: string;
}

export interface IncludeOptions {
  readonly includes: readonly Include[];
  /** What the caller may read; absent = every type. Others are not even counted. */
  readonly readableTypes: readonly string[] | undefined;
}

/**
 * Continues CTEs that have `shown` (type, id) with `included` (type, id), the targets and sources of its references without
 * those that are shown, and `cut` (is_cut), true when there are more.
 */
export function includedCtes(
  options: IncludeOptions,
  shownCount: number,
  values: SqlValues,
  known: 'shown' | 'known' = 'shown',
): string {
  const max = `${values.bind(linksMax(shownCount))}::bigint`;
  const links = [...forwardLinks(options, values), ...reverseLinks(options, max, values)];
  return `
  link AS MATERIALIZED (
    ${links.join('\n    UNION ALL\n    ') || 'SELECT p.type, p.id FROM shown p WHERE false'}
    LIMIT ${max} + 1),
  included AS MATERIALIZED (
    SELECT DISTINCT l.type, l.id FROM link l
    WHERE (l.type, l.id) NOT IN (SELECT k.type, k.id FROM ${known} k)
    ORDER BY l.type, l.id LIMIT ${includesMax + 1}),
  cut AS (
    SELECT (SELECT count(*) FROM link) > ${max} OR (SELECT count(*) FROM included) > ${includesMax} AS is_cut)`;
}

/** Gives SearchRows of mode `include` for these resources, without those that are known already. */
export function includeStatement(
  options: IncludeOptions & { readonly from: readonly ResourceKey[]; readonly known: readonly ResourceKey[] },
): SearchStatement {
  const values = new SqlValues();
  const keys = (list: readonly ResourceKey[]) => {
    const types = values.bind(list.map(({ type }) => type));
    return `SELECT * FROM unnest(${types}::text[], ${values.bind(list.map(({ id }) => id))}::text[]) AS k(type, id)`;
  };
  return {
    text: `WITH shown AS MATERIALIZED (${keys(options.from)}), known AS MATERIALIZED (${keys(options.known)}),${includedCtes(options, options.from.length, values, 'known')}
SELECT false AS overflow, NULL::integer AS matched, c.is_cut, f.* FROM cut c LEFT JOIN (${includedRows}) f ON true`,
    values: values.all,
  };
}

/** The bodies of `included`. */
export const includedRows = `SELECT 'include' AS mode, r.type, r.id, r.version_id, r.last_updated, r.deleted, r.content, r.object_id
  FROM included i
  CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE r.type = i.type AND r.id = i.id OFFSET 0) r
  WHERE NOT r.deleted`;

function forwardLinks({ includes, readableTypes }: IncludeOptions, values: SqlValues): string[] {
  const wanted = includes.filter(
    ({ direction, targetType }) => direction === 'forward' && mayRead(targetType, readableTypes),
  );
  if (wanted.length === 0) return [];
  const parameters = `${values.bind(wanted.map(({ parameter }) => parameter))}::text[]`;
  // Most references are of other parameters, which that test alone tells for less.
  const mayBeWanted = `(f.parameter = ANY(${parameters}) OR '*' = ANY(${parameters}))`;
  return [
    `(SELECT f.target_type AS type, f.target_id AS id FROM shown p
    CROSS JOIN LATERAL (
      SELECT f.target_type, f.target_id FROM reference f
      WHERE f.source_type = p.type AND f.source_id = p.id${readableTest('f.target_type', readableTypes, values)}
        AND ${mayBeWanted} AND EXISTS (SELECT FROM ${wantedRows(wanted, values)}
          WHERE wanted.source_type IN (f.source_type, '*') AND wanted.parameter IN (f.parameter, '*')
            AND wanted.target_type IN (f.target_type, '*')) OFFSET 0) f)`,
  ];
}

/**
 * Each form by an index range of its own: what points to a resource may be very much more than what is wanted of it. In the
 * order of the index, so that those that point here by several parameters are cut as late as can be.
 */
function reverseLinks({ includes, readableTypes }: IncludeOptions, max: string, values: SqlValues): string[] {
  const reverse = includes.filter(({ direction }) => direction === 'reverse');
  const ofType = reverse.filter(({ sourceType }) => sourceType !== '*' && mayRead(sourceType, readableTypes));
  const ofAny = reverse.filter(({ sourceType }) => sourceType === '*');
  const forms = [
    { wanted: ofType.filter(({ parameter }) => parameter !== '*'), test: () => sameType + sameParameter },
    { wanted: ofType.filter(({ parameter }) => parameter === '*'), test: () => sameType },
    { wanted: ofAny, test: () => readableTest('f.source_type', readableTypes, values) },
  ];
  return forms
    .filter(({ wanted }) => wanted.length > 0)
    .map(
      ({ wanted, test }) => `(SELECT f.source_type AS type, f.source_id AS id FROM shown p
    CROSS JOIN ${wantedRows(wanted, values)}
    CROSS JOIN LATERAL (
      SELECT f.source_type, f.source_id FROM reference f
      WHERE f.target_type = p.type AND f.target_id = p.id${test()}
      ORDER BY f.source_type, f.parameter, f.source_id LIMIT ${max} + 1) f
    WHERE wanted.target_type IN (p.type, '*'))`,
    );
}

function readableTest(column: string, readableTypes: readonly string[] | undefined, values: SqlValues): string {
  return readableTypes ? ` AND ${column} = ANY(${values.bind(readableTypes)}::text[])` : '';
}

const sameType = ' AND f.source_type = wanted.source_type';
const sameParameter = ' AND f.parameter = wanted.parameter';

function wantedRows(includes: readonly Include[], values: SqlValues): string {
  const columns = [
    includes.map(({ sourceType }) => sourceType),
    includes.map(({ parameter }) => parameter),
    includes.map(({ targetType }) => targetType ?? '*'),
  ];
  const arrays = columns.map((column) => `${values.bind(column)}::text[]`).join(', ');
  return `unnest(${arrays}) AS wanted(source_type, parameter, target_type)`;
}

function mayRead(type: string | undefined, readableTypes: readonly string[] | undefined): boolean {
  return type === undefined || readableTypes === undefined || readableTypes.includes(type);
}
