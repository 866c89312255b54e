// Gets one page of a search from the database, within its bounds.

import { fhirError } from '../fhir/outcome.ts';
import { includesMax } from './compile/includes.ts';
import type { SearchRow } from './compile/select-page.ts';
import type { SortPosition } from './compile/sort.ts';
import type { SearchStatement } from './compile/sql.ts';
import type { CompiledSearch } from './compile-search.ts';
import { printable } from './parse/search-notes.ts';

/** Sends a statement through the tenant door. */
export type SendStatement = <Row>(statement: SearchStatement) => Promise<Row[]>;

export interface IncludedRows {
  readonly rows: readonly SearchRow[];
  /** True when there would have been more. */
  readonly isCut: boolean;
}

export interface FoundPage {
  /** In the order they were read: backward from the place where the page ends, or forward. */
  readonly matches: readonly SearchRow[];
  /** True when there are more matches further on. */
  readonly hasMore: boolean;
  /** Where each match is in the order of the search. */
  readonly positionOf: (row: SearchRow) => SortPosition;
  /** What the matches include; absent where it is to be asked for apart. */
  readonly includes?: IncludedRows;
  /** All matches on all pages, where the statement got to know them. */
  readonly matched?: number;
  /** There are more matches on all pages, where that became known instead. */
  readonly moreThan?: number;
}

/**
 * Throws a FhirError `too-costly` when neither statement stays within its bounds. Where it was compiled with `wholeMax`, a page has all
 * matches as long as they are no more than that.
 */
export async function collectPage(
  compiled: CompiledSearch,
  count: number,
  send: SendStatement,
  wholeMax = 0,
): Promise<FoundPage> {
  const { rows, isFirst } = await sendWithin(compiled, send);
  const matches = rows.filter(({ mode }) => mode === 'match');
  const matched = rows[0]?.matched ?? undefined;
  const most = matched !== undefined && matched <= wholeMax ? Math.max(wholeMax, count) : count;
  return {
    matches: matches.slice(0, most),
    hasMore: matches.length > most,
    positionOf,
    includes: includedRows(rows),
    ...(matched !== undefined && { matched }),
    ...(!isFirst && compiled.countedTo !== undefined && { moreThan: compiled.countedTo }),
  };
}

/** `isFirst`: by the first statement. */
async function sendWithin(compiled: CompiledSearch, send: SendStatement) {
  const { statement, fallback, further = [] } = compiled;
  let rows = await send<SearchRow>(statement);
  if (!rows[0]?.overflow) return { rows, isFirst: true };
  for (const next of fallback ? [fallback, ...further] : []) {
    rows = await send<SearchRow>(next());
    if (!rows[0]?.overflow) return { rows, isFirst: false };
  }
  throw tooCostly(reasonOf(compiled));
}

function reasonOf({ namesOf }: CompiledSearch): string {
  const [linked, unlisted] = [namesOf('linked'), namesOf('unlisted')].map((names) => names.map(printable).join(', '));
  if (linked) {
    return `Too many resources would have to be followed for ${linked}; ask for them more narrowly, or add a parameter.`;
  }
  if (unlisted) return `Too many resources would have to be looked at for ${unlisted}; add a narrower parameter.`;
  return 'The search finds too much to be sorted; add a narrower parameter, or sort by another one.';
}

export function includedRows(rows: readonly SearchRow[]): IncludedRows {
  const included = rows.filter(({ mode }) => mode === 'include');
  return { rows: included.slice(0, includesMax), isCut: rows[0]?.is_cut ?? false };
}

/** By the columns of its row. */
export function positionOf({ id, k1, k2, k3 }: SearchRow): SortPosition {
  const keys = [k1, k2, k3].filter((key) => key !== undefined && key !== null);
  return { id, keys: keys.map(keyText) };
}

function keyText(key: Date | number | string): string {
  if (typeof key === 'string') return key;
  if (typeof key !== 'number') return key.toISOString();
  return key > 0 ? 'infinity' : '-infinity';
}

export function tooCostly(diagnostics: string): Error {
  return fhirError('too-costly', diagnostics);
}
