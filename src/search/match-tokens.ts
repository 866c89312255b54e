// Many small searches in one statement: those that tokens alone decide, as the identifiers of conditional requests nearly always are:
// https://hl7.org/fhir/R4/http.html#ccreate

import type { Statement } from '../database/statement.ts';
import { isComposed } from './compile/composed.ts';
import { compileCriteria } from './compile/criteria.ts';
import type { SearchQuery } from './search-query.ts';

export interface TokenLookup {
  /** Comes back with each row, so that the asker knows its own. */
  readonly position: number;
  readonly type: string;
  /** Texts of token-text.ts; a match has all of them. */
  readonly texts: readonly string[];
  /** More matches are not given. */
  readonly matchesMax: number;
  readonly needsBody: boolean;
}

/** The token texts that decide the query; undefined where more than tokens does. */
export function decidingTexts({ type, criteria }: SearchQuery): readonly string[] | undefined {
  if (type === 'AuditEvent' || criteria.some(isComposed)) return undefined;
  const { conditions, recheck } = compileCriteria(criteria);
  if (recheck) return undefined;
  const texts: string[] = [];
  for (const condition of conditions) {
    if (condition.kind !== 'tokens' || condition.anyOf.length !== 1 || condition.orId !== undefined) return undefined;
    texts.push(...(condition.anyOf[0] as readonly string[]));
  }
  // Without any every resource of the tenant would do.
  return texts.length > 0 ? texts : undefined;
}

/**
 * Gives rows of the lookups' positions and versions. The overlap adds nothing to the containment but the planner's belief that
 * few rows meet both: of an array it does not know yet it expects many, and would read the whole tenant for each lookup.
 * OFFSET 0 keeps it from reading a whole type.
 */
export function matchTokens(lookups: readonly TokenLookup[], tokenOf: (text: string) => bigint): Statement {
  return {
    name: 'match-tokens',
    text: `SELECT l.position, r.type, r.id, r.version_id, r.last_updated, r.deleted,
             CASE WHEN l.needs_body THEN r.content END AS content, r.object_id
           FROM unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::bool[])
             AS l (position, type, tokens, matches_max, needs_body)
           CROSS JOIN LATERAL (
             SELECT r.* FROM (
               SELECT r.* FROM resource r WHERE r.tokens @> l.tokens::bigint[] AND r.tokens && l.tokens::bigint[] OFFSET 0) r
             WHERE r.type = l.type AND NOT r.deleted LIMIT l.matches_max) r`,
    values: [
      lookups.map(({ position }) => position),
      lookups.map(({ type }) => type),
      lookups.map(({ texts }) => `{${texts.map(tokenOf).join(',')}}`),
      lookups.map(({ matchesMax }) => matchesMax),
      lookups.map(({ needsBody }) => needsBody),
    ],
  };
}
