// What must hold for a resource to be found, in terms of its index entries; compile-search.ts writes it as SQL.

import type { Resource } from '@medplum/fhirtypes';
import type { MillisecondRange } from '../../fhir/dates.ts';
import type { DateValue } from '../search-query.ts';

export type Condition =
  /** Of one of these lists, all token texts are among the resource's, or it has this id. No list and no id: nothing is found. */
  | { readonly kind: 'tokens'; readonly anyOf: readonly (readonly string[])[]; readonly orId?: string }
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  /** When the resource was last updated passes one of the tests. */
  | { readonly kind: 'lastUpdated'; readonly tests: readonly DateValue[] }
  /** One date entry of the parameter passes one test of each list. */
  | {
      readonly kind: 'date';
      readonly parameter: string;
      /** True where a resource has at most one such entry. */
      readonly isSingle: boolean;
      /** The token text of spans too long to be stored by day. */
      readonly longText: string;
      /** No other span is longer than this. */
      readonly shortSpanDays: number;
      readonly tests: readonly (readonly DateValue[])[];
    };

/** Decides on the resource itself where the index alone finds too much. */
export type Recheck = (resource: Resource) => boolean;

export interface CompiledCriterion {
  readonly conditions: readonly Condition[];
  readonly recheck?: Recheck;
}

/** Any one of these texts. */
export function anyText(texts: Iterable<string>): Condition & { kind: 'tokens' } {
  return { kind: 'tokens', anyOf: [...new Set(texts)].map((text) => [text]) };
}

/** How a stored span compares with the value: https://hl7.org/fhir/R4/search.html#prefix */
export function passes({ prefix, low, high }: DateValue, span: MillisecondRange): boolean {
  switch (prefix) {
    case 'eq':
      return span.low >= low && span.high <= high;
    case 'ne':
      return span.low < low || span.high > high;
    case 'gt':
      return span.high > high;
    case 'lt':
      return span.low < low;
    case 'ge':
      return span.high > high || span.low >= low;
    case 'le':
      return span.low < low || span.high <= high;
    case 'sa':
      return span.low > high;
    case 'eb':
      return span.high < low;
    case 'ap':
      return span.low <= high && span.high >= low;
  }
}

/** A stretch of time that every span which passes the test touches. */
export function windowOf({ prefix, low, high }: DateValue): MillisecondRange {
  switch (prefix) {
    case 'eq':
    case 'ap':
      return { low, high };
    case 'gt':
    case 'sa':
      return { low: high + 1, high: Number.POSITIVE_INFINITY };
    case 'ge':
      return { low, high: Number.POSITIVE_INFINITY };
    case 'lt':
    case 'eb':
      return { low: Number.NEGATIVE_INFINITY, high: low - 1 };
    case 'le':
      return { low: Number.NEGATIVE_INFINITY, high };
    case 'ne':
      return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  }
}

/**
 * A stretch that every span touches which touches all of these: what they share, or, where they share nothing, the gap
 * between them, which only a span that covers it can bridge.
 */
export function sharedWindow(windows: readonly MillisecondRange[]): MillisecondRange {
  const low = Math.max(...windows.map((window) => window.low));
  const high = Math.min(...windows.map((window) => window.high));
  return low <= high ? { low, high } : { low: high, high: low };
}
