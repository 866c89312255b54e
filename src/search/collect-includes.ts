// Gets what a page includes, and what that includes in turn where it iterates: https://hl7.org/fhir/R4/search.html#include

import type { Issue } from '../fhir/outcome.ts';
import { type IncludedRows, includedRows, type SendStatement } from './collect-page.ts';
import { includeStatement, includesMax } from './compile/includes.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { Include } from './search-query.ts';

/** References are followed so many times, one after another. */
const roundsMax = 10;

export interface IncludeRequest {
  readonly includes: readonly Include[];
  /** What may be included; absent = every type. */
  readonly readableTypes: readonly string[] | undefined;
  readonly matches: readonly SearchRow[];
  /** What the matches include, where it came with them. */
  readonly first: IncludedRows | undefined;
  readonly send: SendStatement;
  readonly visible?: VisibleRows | undefined;
}

/** Those of the rows that the caller may see; absent where that is all of the types it may read. */
export type VisibleRows = (rows: readonly SearchRow[]) => Promise<readonly SearchRow[]>;

export interface Included {
  readonly rows: readonly SearchRow[];
  readonly warnings: readonly Issue[];
}

/** Only what the caller may read is followed, so that an include never tells what is behind a resource out of reach. */
export async function collectIncludes(request: IncludeRequest): Promise<Included> {
  const { includes, matches, readableTypes, send, visible } = request;
  if (includes.length === 0 || matches.length === 0) return { rows: [], warnings: [] };
  const rows: SearchRow[] = [];
  const follow = async (followed: readonly Include[], from: readonly SearchRow[]) =>
    includedRows(
      await send<SearchRow>(
        includeStatement({
          includes: followed,
          readableTypes,
          from: keysOf(from),
          known: keysOf([...matches, ...rows]),
        }),
      ),
    );
  const iterating = includes.filter(({ iterate }) => iterate);
  let round = request.first ?? (await follow(includes, matches));
  for (let rounds = 1; ; rounds++) {
    const seen = visible ? await visible(round.rows) : round.rows;
    rows.push(...seen);
    if (round.isCut || rows.length > includesMax) return cut(rows);
    if (iterating.length === 0 || seen.length === 0) return { rows, warnings: [] };
    if (rounds === roundsMax)
      return { rows, warnings: [incomplete(`References were followed ${roundsMax} times only.`)] };
    round = await follow(iterating, seen);
  }
}

function keysOf(rows: readonly SearchRow[]): { type: string; id: string }[] {
  return rows.map(({ type, id }) => ({ type, id }));
}

function cut(rows: readonly SearchRow[]): Included {
  const text = `More than ${includesMax} resources belong to this page, and only some are included; ask for a smaller _count.`;
  return { rows: rows.slice(0, includesMax), warnings: [incomplete(text)] };
}

function incomplete(diagnostics: string): Issue {
  return { severity: 'warning', code: 'too-costly', diagnostics };
}
