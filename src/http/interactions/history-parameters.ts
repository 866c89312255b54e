// The parameters of a history: https://hl7.org/fhir/R4/http.html#history

import { parseDate } from '../../fhir/dates.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { HistoryRequest } from '../../repository/history-source.ts';

export interface HistoryParameters extends Pick<HistoryRequest, 'count' | 'sinceMs' | 'at' | 'cursor'> {
  /** What was understood, as the links repeat it, without the cursor. */
  readonly understood: readonly (readonly [name: string, value: string])[];
}

export const countDefault = 50;
/** More is cut to it: a server may send fewer than asked. */
export const countMax = 1_000;

/** How the answer is written is not the history's to decide, but its further pages are to be written the same way. */
const answeredElsewhere: ReadonlySet<string> = new Set(['_format', '_pretty', '_summary', '_elements']);
const own: ReadonlySet<string> = new Set(['_count', '_since', '_at', '_cursor']);
/** R4's optional parameter that narrows and R5's that orders: an answer without them would be another than the one asked for. */
const refused: ReadonlySet<string> = new Set(['_list', '_sort']);

/** Throws 400 for values that are none and, under strict handling, for parameters that no history has. */
export function parseHistoryParameters(query: URLSearchParams, handling: 'strict' | 'lenient'): HistoryParameters {
  const understood = [...query].filter(([name]) => isUnderstood(name, handling));
  for (const name of own) if (query.getAll(name).length > 1) throw invalid(name, 'given once at most');
  const since = query.get('_since');
  const at = query.get('_at');
  const cursor = query.get('_cursor');
  return {
    understood: understood.filter(([name]) => name !== '_cursor'),
    // Zero asks for the total alone, as it does in a search: https://hl7.org/fhir/R4/search.html#count
    count: countOf(query.get('_count')),
    ...(since !== null && { sinceMs: spanOf('_since', since).low }),
    ...(at !== null && { at: spanOf('_at', at) }),
    ...(cursor !== null && { cursor }),
  };
}

/** Strict and lenient handling: https://hl7.org/fhir/R4/search.html#errors; the self link tells what was understood. */
function isUnderstood(name: string, handling: 'strict' | 'lenient'): boolean {
  if (own.has(name) || answeredElsewhere.has(name)) return true;
  if (refused.has(name)) {
    throw fhirError('not-supported', `A history is not offered with ${name}; it is always newest first.`, {
      status: 400,
    });
  }
  if (handling === 'lenient') return false;
  const all = [...own].filter((one) => one !== '_cursor').join(', ');
  throw fhirError('not-supported', `A history has the parameters ${all} and no other one.`, { status: 400 });
}

function countOf(text: string | null): number {
  if (text === null) return countDefault;
  if (!/^\d{1,9}$/.test(text)) throw invalid('_count', 'a whole number');
  return Math.min(Number(text), countMax);
}

/** An instant, or a date of any precision, which for `_since` begins with its first millisecond. */
function spanOf(name: string, text: string) {
  // A plus sign that was not percent-encoded arrives as a space, and no date has one.
  const span = parseDate(text.replace(' ', '+'), 'search');
  if (!span) throw invalid(name, 'a time such as 2026-11-20T08:00:00Z, or a date');
  return span;
}

function invalid(name: string, wanted: string): Error {
  return fhirError('invalid', `${name} is not ${wanted}.`);
}
