// Wall-clock time in IANA zones, from what the platform knows of them: https://tc39.es/ecma402/#datetimeformat-objects

import { withinYears } from './dates.ts';

/** Wall times are milliseconds as of a clock in UTC that shows the same date and time. */
export interface Zone {
  offsetMsAt(instantMs: number): number;
  wallOf(instantMs: number): number;
  /** Undefined for a time that the clock jumps over; of a time that comes twice, the first. */
  instantOf(wallMs: number): number | undefined;
  /** The same, and where the clock jumps over it the moment of the jump. */
  firstInstantFrom(wallMs: number): number;
}

/** More names than the zones of IANA have, with their spellings. */
const zonesMax = 1_000;
const zones = new Map<string, Zone>();

/** Throws a RangeError for what is no zone; an offset such as +01:00 is none, for it knows no summer time. */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known) return known;
  if (!isZoneName(name)) throw new RangeError('There is no time zone of this name.');
  const zone = createZone(name);
  if (zones.size >= zonesMax) zones.clear();
  zones.set(name, zone);
  return zone;
}

/** The calendar day of an instant there, `YYYY-MM-DD`. Throws a RangeError for a zone that is none. */
export function localDate(instant: Date, timeZone: string): string {
  return new Date(withinYears(zoneOf(timeZone).wallOf(instant.getTime()))).toISOString().slice(0, 10);
}

export function isZoneName(name: string): boolean {
  if (!/^[A-Za-z][\w+/-]{0,63}$/.test(name)) return false;
  if (zones.has(name)) return true;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** From a moment on, until the next span of the year. */
interface Span {
  readonly fromMs: number;
  readonly offsetMs: number;
}

const dayMs = 86_400_000;
const yearsMax = 200;

function createZone(name: string): Zone {
  const ask = offsetReader(name);
  const years = new Map<number, readonly Span[]>();
  const spanAt = (instantMs: number): Span => {
    const year = new Date(instantMs).getUTCFullYear();
    let spans = years.get(year);
    if (!spans) {
      if (years.size >= yearsMax) years.clear();
      spans = spansOf(year, ask);
      years.set(year, spans);
    }
    return spans.findLast(({ fromMs }) => fromMs <= instantMs) as Span;
  };
  const offsetMsAt = (instantMs: number) => spanAt(instantMs).offsetMs;
  const instantOf = (wallMs: number) => {
    // No offset is a day long, so the two are those before and after any jump near this time; the larger comes first.
    const [before, after] = [offsetMsAt(wallMs - dayMs), offsetMsAt(wallMs + dayMs)];
    if (before === after) return wallMs - before;
    const offsets = [Math.max(before, after), Math.min(before, after)];
    return offsets.map((offsetMs) => wallMs - offsetMs).find((ms) => ms + offsetMsAt(ms) === wallMs);
  };
  return {
    offsetMsAt,
    wallOf: (instantMs) => instantMs + offsetMsAt(instantMs),
    instantOf,
    firstInstantFrom: (wallMs) => instantOf(wallMs) ?? spanAt(wallMs - offsetMsAt(wallMs - dayMs)).fromMs,
  };
}

type OffsetReader = (instantMs: number) => number;

function offsetReader(timeZone: string): OffsetReader {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return (instantMs) => {
    const text = format.format(instantMs);
    const [, sign, hours, minutes, seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? [];
    if (sign === undefined) return 0;
    const size = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
    return sign === '-' ? -size : size;
  };
}

/** Asked once a day and then between the days that differ; no zone ever changed twice within one. */
function spansOf(year: number, ask: OffsetReader): readonly Span[] {
  const firstMs = startOfYear(year);
  const lastMs = startOfYear(year + 1);
  const spans: Span[] = [{ fromMs: firstMs, offsetMs: ask(firstMs) }];
  for (let ms = firstMs + dayMs; ms < lastMs + dayMs; ms += dayMs) {
    const at = Math.min(ms, lastMs - 1_000);
    const { offsetMs } = spans.at(-1) as Span;
    if (ask(at) === offsetMs) continue;
    const fromMs = firstDifferent(at - dayMs, at, offsetMs, ask);
    spans.push({ fromMs, offsetMs: ask(fromMs) });
  }
  return spans;
}

/** To the second: the zone has `offsetMs` at `low` and another at `high`. */
function firstDifferent(low: number, high: number, offsetMs: number, ask: OffsetReader): number {
  let [same, other] = [low, high];
  while (other - same > 1_000) {
    const middle = same + Math.floor((other - same) / 2_000) * 1_000;
    if (ask(middle) === offsetMs) same = middle;
    else other = middle;
  }
  return other;
}

/** Date.UTC takes years below 100 for those of the twentieth century. */
function startOfYear(year: number): number {
  return new Date(0).setUTCFullYear(year, 0, 1);
}
