// Dates as spans in order, or, where they would tell who somebody is, as keyed days, months and years only.

import type { MillisecondRange } from '../../fhir/dates.ts';
import { daysOf, dayText, longSpan, noSpan, shortSpanDays, spanOf } from '../date-span.ts';
import type { IndexedParameter } from '../search-parameters.ts';
import { calendarText, type TokenKey } from '../token-text.ts';
import type { EntryCollector } from './entry-collector.ts';

/** All values of one date parameter. */
export function extractDates(
  values: readonly unknown[],
  { code, key }: IndexedParameter,
  entries: EntryCollector,
): void {
  const spans = values.map(spanOf).filter((span) => span !== undefined);
  if (spans.length === 0) entries.token(calendarText(key, noSpan));
  for (const span of spans) {
    entries.date(code, span.low, span.high);
    for (const day of daysOf(span, shortSpanDays + 1) ?? [longSpan]) entries.token(calendarText(key, day));
  }
}

export function extractIdentifyingDate(value: unknown, key: TokenKey, entries: EntryCollector): void {
  const span = spanOf(value);
  if (span) entries.tokens(calendarTexts(key, span));
}

/**
 * The day, month and year the span lies in. A date that is only a month or a year also says so (`=1980-05`, `=1980`): it is
 * older than some day within it and younger than another.
 */
function calendarTexts(key: TokenKey, { low, high }: MillisecondRange): string[] {
  const day = dayText(low);
  const lastDay = dayText(high);
  const month = day.slice(0, 7);
  const year = day.slice(0, 4);
  const texts = [calendarText(key, year)];
  if (lastDay === day) return [...texts, calendarText(key, month), calendarText(key, day)];
  if (lastDay.startsWith(month)) return [...texts, calendarText(key, month), calendarText(key, `=${month}`)];
  return [...texts, calendarText(key, `=${year}`)];
}
