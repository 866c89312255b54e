// Spans of time as search stores and compares them: https://hl7.org/fhir/R4/search.html#date

import { earliestMs, latestMs, type MillisecondRange, parseDate } from '../fhir/dates.ts';

const dayMs = 86_400_000;
/** A span of at most so many days is stored under each day it touches, a longer one under the word `long`. */
export const shortSpanDays = 7;
export const longSpan = 'long';
/** Stored for a date parameter without value: sorting by it lists those resources last. */
export const noSpan = 'none';

/** A date, dateTime, instant, Period or Timing; undefined for anything else, such as `scheduledString`. */
export function spanOf(value: unknown): MillisecondRange | undefined {
  if (typeof value === 'string') return parseDate(value, 'dateTime');
  if (typeof value !== 'object' || value === null) return undefined;
  if ('event' in value || 'repeat' in value) return spanOfTiming(value);
  if ('start' in value || 'end' in value) return spanOfPeriod(value);
  return undefined;
}

function spanOfPeriod({ start, end }: { start?: unknown; end?: unknown }): MillisecondRange | undefined {
  const first = typeof start === 'string' ? parseDate(start, 'dateTime') : undefined;
  const last = typeof end === 'string' ? parseDate(end, 'dateTime') : undefined;
  if (!first && !last) return undefined;
  // What is open is as old, or as late, as can be.
  return ordered(first?.low ?? earliestMs, last?.high ?? latestMs);
}

/** Only the outer limits count, not what repeats between them. */
function spanOfTiming({ event, repeat }: { event?: unknown; repeat?: unknown }): MillisecondRange | undefined {
  const spans = (Array.isArray(event) ? event : []).map(spanOf).filter((span) => span !== undefined);
  const bounds = (repeat as { boundsPeriod?: unknown } | undefined)?.boundsPeriod;
  const period = spanOf(bounds);
  if (period) spans.push(period);
  if (spans.length === 0) return undefined;
  return ordered(Math.min(...spans.map(({ low }) => low)), Math.max(...spans.map(({ high }) => high)));
}

/** A Period that ends before it starts breaks per-1; its span is empty and would match nothing, so it is turned round. */
function ordered(low: number, high: number): MillisecondRange {
  return low <= high ? { low, high } : { low: high, high: low };
}

/** The UTC days a span touches as `YYYY-MM-DD`, or undefined when there are more than `daysMax`. */
export function daysOf({ low, high }: MillisecondRange, daysMax: number): string[] | undefined {
  const first = Math.floor(low / dayMs);
  const last = Math.floor(high / dayMs);
  if (last - first >= daysMax) return undefined;
  const days: string[] = [];
  for (let day = first; day <= last; day++) days.push(dayText(day * dayMs));
  return days;
}

/** The UTC day a moment lies in. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
