// Names of search statements, under which a connection keeps their plans: https://www.postgresql.org/docs/current/sql-prepare.html

import { createHash } from 'node:crypto';

/** Texts whose names are remembered; a hash costs as much as some parts of a search. */
const namesMax = 1_000;
/** The plan of a longer text, such as one of hundreds of alternatives, is not worth its memory on every connection. */
const textLengthMax = 12_000;

const names = new Map<string, string>();

/**
 * The same for the same text, and for no other one. Texts hold nothing a client sent, so there are as many as shapes of
 * searches. Undefined for a text that is planned each time it is run.
 */
export function statementName(text: string): string | undefined {
  if (text.length > textLengthMax) return undefined;
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= namesMax) names.clear();
  const name = `search-${createHash('sha256').update(text).digest('base64url').slice(0, 32)}`;
  names.set(text, name);
  return name;
}
