// What must hold for a resource to be found, in terms of its index entries; compile-search.ts writes it as SQL.

import type { Resource } from '@medplum/fhirtypes';
import type { MillisecondRange } from '../../fhir/dates.ts';
import type { NumberTest } from '../number-range.ts';
import type { DateValue } from '../search-query.ts';

export type Condition =
  /** Of one of these lists, all token texts are among the resource's, or it has this id. No list and no id: nothing is found. */
  | {
      readonly kind: 'tokens';
      readonly anyOf: readonly (readonly string[])[];
      readonly orId?: string;
      /** Many resources have these that another condition leaves out: no search starts from them where it need not. */
      readonly isWide?: true;
      /** A condition on dates of this parameter, beside it, leaves out at least what it leaves out. */
      readonly ofDate?: string;
    }
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
      /** No other span is longer than this; 1 where each is a point in time. */
      readonly shortSpanDays: number;
      readonly tests: readonly (readonly DateValue[])[];
      /** True where a condition on tokens beside it is met by the same resources. */
      readonly isImplied?: boolean;
    }
  /** One number entry passes all tests of one of these. */
  | { readonly kind: 'range'; readonly anyOf: readonly RangeAlternative[] }
  /** Not all of them hold. */
  | { readonly kind: 'not'; readonly conditions: readonly Condition[] }
  /** All of one of these lists hold. */
  | { readonly kind: 'any'; readonly anyOf: readonly (readonly Condition[])[] }
  /** A resource of this type that meets the conditions is referred to by the parameter; or, reversed, refers by its parameter. */
  | {
      readonly kind: 'linked';
      readonly isReverse: boolean;
      readonly parameter: string;
      readonly type: string;
      readonly conditions: readonly Condition[];
    };

/** A number entry is of this parameter and unit, and passes all tests. */
export interface RangeAlternative {
  readonly parameter: string;
  readonly unit: string;
  readonly tests: readonly NumberTest[];
}

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
