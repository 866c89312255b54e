// Date parameters: https://hl7.org/fhir/R4/search.html#date

import { type Asked, listOf, membersOf } from './asked.ts';

/** Milliseconds, both ends inclusive. */
export interface Span {
  readonly low: number;
  readonly high: number;
}

export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

export function matchesDate({ modifier, raw, values, world }: Asked): boolean {
  if (modifier !== undefined) throw new Error(`No reading of the date modifier ${modifier}`);
  const { prefix, text } = prefixed(raw);
  const asked = spanOf(text);
  return values.some((value) => {
    const own = spanOfValue(value);
    return own !== undefined && compares[prefix](own, asked, world.now);
  });
}

/** "If no prefix is present, the prefix eq is assumed." */
export function prefixed(raw: string): { prefix: Prefix; text: string } {
  const [, prefix = 'eq', text = ''] = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/s.exec(raw) ?? [];
  return { prefix: prefix as Prefix, text };
}

type Compare = (own: Span, asked: Span, now: number) => boolean;

const compares: Readonly<Record<Prefix, Compare>> = {
  // "the range of the search value fully contains the range of the target value"
  eq: (own, asked) => contains(asked, own),
  // "the range of the search value does not fully contain the range of the target value"
  ne: (own, asked) => !contains(asked, own),
  // "the range above the search value intersects (i.e. overlaps) with the range of the target value"
  gt: (own, asked) => own.high > asked.high,
  // "the range below the search value intersects (i.e. overlaps) with the range of the target value"
  lt: (own, asked) => own.low < asked.low,
  // "... or the range of the search value fully contains the range of the target value"
  ge: (own, asked) => own.high > asked.high || contains(asked, own),
  le: (own, asked) => own.low < asked.low || contains(asked, own),
  // "the range of the search value does not overlap with the range of the target value, and the range above the search
  // value contains the range of the target value"
  sa: (own, asked) => own.low > asked.high,
  eb: (own, asked) => own.high < asked.low,
  // "the range of the search value overlaps with the range of the target value"; "the recommended value for the
  // approximation is ... for a date, 10% of the gap between now and the date"
  ap: (own, { low, high }, now) => {
    const slack = Math.abs(now - (low + high) / 2) / 10;
    return own.low <= high + slack && own.high >= low - slack;
  },
};

function contains(outer: Span, inner: Span): boolean {
  return outer.low <= inner.low && inner.high <= outer.high;
}

/**
 * "date: the range of the value is the day, month, or year as specified; dateTime: as defined above for date; instant: an
 * instant is considered a fixed point in time with an interval smaller than the precision of the system; Period: explicit,
 * though the upper or lower bound might not actually be specified in resources; Timing: the specified scheduling details are
 * ignored and only the outer limits matter." A missing bound: "less than any actual date", "greater than any actual date".
 */
export function spanOfValue(value: unknown): Span | undefined {
  if (typeof value === 'string') return spanOf(value);
  const { start, end, event, repeat } = membersOf(value);
  if (start !== undefined || end !== undefined) {
    return {
      low: start === undefined ? Number.NEGATIVE_INFINITY : spanOf(String(start)).low,
      high: end === undefined ? Number.POSITIVE_INFINITY : spanOf(String(end)).high,
    };
  }
  const limits = [...listOf(event), ...listOf(membersOf(repeat).boundsPeriod)]
    .map(spanOfValue)
    .filter((span) => span !== undefined);
  if (limits.length === 0) return undefined;
  return { low: Math.min(...limits.map(({ low }) => low)), high: Math.max(...limits.map(({ high }) => high)) };
}

/**
 * "the date 2015-08-12 has an implicit range of all the time during that day"; "Where possible, the system should correct for
 * time zones"; a time without zone is read as UTC.
 */
export function spanOf(text: string): Span {
  const [year = 0, month, day] = text.slice(0, 10).split('-').map(Number);
  if (month === undefined) return { low: Date.UTC(year, 0), high: Date.UTC(year + 1, 0) - 1 };
  if (day === undefined) return { low: Date.UTC(year, month - 1), high: Date.UTC(year, month) - 1 };
  if (text.length === 10) return { low: Date.parse(text), high: Date.parse(text) + 86_399_999 };
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`;
  const low = Date.parse(zoned);
  if (!/T\d\d:\d\d:/.test(text)) return { low, high: low + 59_999 };
  return { low, high: low + (text.includes('.') ? 0 : 999) };
}
