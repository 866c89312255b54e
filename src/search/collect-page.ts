// Gets one page of a search from the database, within its bounds.

import { fhirError } from '../fhir/outcome.ts';
import { includesMax, type SearchRow } from './compile/select-page.ts';
import type { SortPosition } from './compile/sort.ts';
import type { SearchStatement } from './compile/sql.ts';
import type { CompiledSearch } from './compile-search.ts';

/** Sends a statement through the tenant door. */
export type SendStatement = <Row>(statement: SearchStatement) => Promise<Row[]>;

export interface FoundPage {
  readonly matches: readonly SearchRow[];
  readonly includes: readonly SearchRow[];
  /** Where the next page begins; absent on the last. */
  readonly next?: SortPosition;
  /** All matches on all pages, where the statement got to know them. */
  readonly matched?: number;
  /** True when there were more candidates than are gathered. */
  readonly isCrowded?: boolean;
}

/** Throws a FhirError `too-costly` when neither statement stays within its bounds. */
export async function collectPage(compiled: CompiledSearch, count: number, send: SendStatement): Promise<FoundPage> {
  const { rows, isCrowded } = await sendWithin(compiled, send);
  const matches = rows.filter(({ mode }) => mode === 'match');
  const includes = rows.filter(({ mode }) => mode === 'include');
  if (includes.length > includesMax) {
    throw tooCostly(`A page would include more than ${includesMax} resources; ask for a smaller _count.`);
  }
  const matched = rows[0]?.matched ?? undefined;
  const last = matches.length > count ? matches[count - 1] : undefined;
  return {
    matches: matches.slice(0, count),
    includes,
    ...(last && { next: positionOf(last) }),
    ...(matched !== undefined && { matched }),
    isCrowded,
  };
}

async function sendWithin(
  compiled: CompiledSearch,
  send: SendStatement,
): Promise<{ rows: SearchRow[]; isCrowded: boolean }> {
  const rows = await send<SearchRow>(compiled.statement);
  if (!rows[0]?.overflow) return { rows, isCrowded: false };
  const walked = compiled.fallback && (await send<SearchRow>(compiled.fallback()));
  if (!walked || walked[0]?.overflow) {
    throw tooCostly('The search finds too much to be sorted; add a narrower parameter, or sort by another one.');
  }
  return { rows: walked, isCrowded: true };
}

/** The place of a match in the order of its search. */
export function positionOf({ id, k1, k2, k3 }: SearchRow): SortPosition {
  const keys = [k1, k2, k3].filter((key) => key !== undefined && key !== null);
  return { id, moments: keys.map(momentText) };
}

function momentText(key: Date | number): string {
  if (typeof key !== 'number') return key.toISOString();
  return key > 0 ? 'infinity' : '-infinity';
}

export function tooCostly(diagnostics: string): Error {
  return fhirError('too-costly', diagnostics);
}
