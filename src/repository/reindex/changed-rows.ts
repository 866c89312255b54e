// Which resources have other tokens, or other rows in the side tables, than they should: most have not, and rewriting the same rows costs the most.

import { createHash } from 'node:crypto';
import type { IndexEntry } from '../../search/index-entry.ts';
import { type Indexed, unitsOf } from '../index-rows.ts';
import type { Session } from '../session.ts';
import { keyOf } from '../target.ts';
import type { Turn } from '../turn.ts';

interface StoredRows {
  readonly type: string;
  readonly id: string;
  /** SHA-256 of all its rows: their texts would be most of what a run reads. */
  readonly digest: Buffer;
}

/** The columns of a row as one text, of all three tables. */
const storedRows = `
  SELECT type, id, sha256(convert_to(string_agg(text, ' ' ORDER BY text COLLATE "C"), 'UTF8')) AS digest FROM (
    SELECT source_type AS type, source_id AS id, concat_ws(' ', 'reference', parameter, target_type, target_id) AS text
    FROM reference WHERE (source_type, source_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    UNION ALL
    SELECT type, id, concat_ws(' ', 'date', parameter, (extract(epoch FROM low) * 1000)::bigint, (extract(epoch FROM high) * 1000)::bigint)
    FROM date_value WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    UNION ALL
    SELECT type, id, concat_ws(' ', 'range', parameter, unit, low, high)
    FROM range_value WHERE (type, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))) stored
  GROUP BY type, id`;

export async function withOtherRows<T extends Indexed>(
  session: Session,
  indexed: readonly T[],
  turn: Turn,
): Promise<T[]> {
  const rows = await session.trx.query<StoredRows>({
    name: 'reindex-stored-rows',
    text: storedRows,
    values: [indexed.map(({ change }) => change.type), indexed.map(({ change }) => change.id)],
  });
  const digests = new Map(rows.map(({ type, id, digest }) => [keyOf(type, id), digest]));
  const others: T[] = [];
  for (const one of indexed) {
    const stored = digests.get(keyOf(one.change.type, one.change.id));
    const wanted = digestOf(one.entries, session);
    if (!(stored && wanted ? stored.equals(wanted) : stored === wanted)) others.push(one);
    if (turn.isOver()) await turn.next();
  }
  return others;
}

/** Undefined where there are to be none. */
function digestOf(entries: readonly IndexEntry[], session: Session): Buffer | undefined {
  const texts = new Set(entries.flatMap((entry) => textsOf(entry, session)));
  if (texts.size === 0) return undefined;
  return createHash('sha256')
    .update([...texts].sort().join(' '))
    .digest();
}

/** Of two PostgreSQL texts of bigint[], in whatever order. */
export function hasSameTokens(one: string, other: string): boolean {
  const sorted = (text: string) => text.slice(1, -1).split(',').sort().join();
  return one.length === other.length && sorted(one) === sorted(other);
}

/** None for what has no row of its own. */
function textsOf(entry: IndexEntry, { cipher }: Session): string[] {
  switch (entry.kind) {
    case 'reference':
      return [`reference ${entry.parameter} ${entry.targetType} ${entry.targetId}`];
    case 'date':
      return [`date ${entry.parameter} ${entry.low} ${entry.high}`];
    case 'range':
      return unitsOf(cipher, entry.unit).map((unit) => `range ${entry.parameter} ${unit} ${entry.low} ${entry.high}`);
    default:
      return [];
  }
}
