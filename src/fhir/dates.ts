// FHIR date, dateTime, instant and time as ranges of milliseconds: https://hl7.org/fhir/R4/datatypes.html#date

/** Milliseconds since 1970 (for a time: since midnight), both ends inclusive. */
export interface MillisecondRange {
  readonly low: number;
  readonly high: number;
}

/** What a moment can be, in UTC: 0001-01-01 and the last millisecond of 9999. */
export const earliestMs = -62_135_596_800_000;
export const latestMs = 253_402_300_799_999;

/**
 * What a text stands for by its precision, or undefined when it is not of this kind or not in the calendar. A date without
 * zone is read as UTC. Only `search` may leave out seconds or zone: https://hl7.org/fhir/R4/search.html#date
 */
export function parseDate(text: string, kind: DateKind): MillisecondRange | undefined {
  if (text.length > textLengthMax) return undefined;
  if (kind === 'time') return parseTime(text);
  if (text.length <= 10) return kind === 'instant' ? undefined : parseDay(text);
  if (kind === 'date' || text[10] !== 'T') return undefined;
  return parseDateTime(text, kind === 'search');
}

export type DateKind = 'date' | 'dateTime' | 'instant' | 'time' | 'search';

/** Seconds may have any number of decimals; nobody needs more than these. */
const textLengthMax = 64;
const dayMs = 86_400_000;
const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. */
function parseDay(text: string): MillisecondRange | undefined {
  const year = digits(text, 0, 4);
  if (year < 1) return undefined;
  if (text.length === 4) return { low: dayNumber(year, 1, 1) * dayMs, high: dayNumber(year + 1, 1, 1) * dayMs - 1 };
  const month = text[4] === '-' ? digits(text, 5, 2) : -1;
  if (month < 1 || month > 12) return undefined;
  if (text.length === 7) {
    const low = dayNumber(year, month, 1) * dayMs;
    return { low, high: low + monthLength(year, month) * dayMs - 1 };
  }
  const day = text.length === 10 && text[7] === '-' ? digits(text, 8, 2) : -1;
  if (day < 1 || day > monthLength(year, month)) return undefined;
  const low = dayNumber(year, month, day) * dayMs;
  return { low, high: low + dayMs - 1 };
}

function parseDateTime(text: string, isSearch: boolean): MillisecondRange | undefined {
  const day = parseDay(text.slice(0, 10));
  const zoneAt = findZone(text);
  const offsetMs = zoneAt < 0 && isSearch ? 0 : parseZone(text, zoneAt);
  const time = parseTime(text.slice(11, zoneAt < 0 ? undefined : zoneAt), isSearch);
  if (!day || !time || offsetMs === undefined) return undefined;
  const midnight = day.low - offsetMs;
  return { low: withinYears(midnight + time.low), high: withinYears(midnight + time.high) };
}

/** The offset of the first and the last day can lead out of the years that the database, and a date of ours, is written with. */
export function withinYears(ms: number): number {
  return Math.min(Math.max(ms, earliestMs), latestMs);
}

/** `hh:mm:ss` with decimals; a leap second (`:60`) counts as the first second of the next minute. */
function parseTime(text: string, mayOmitSeconds = false): MillisecondRange | undefined {
  const hour = digits(text, 0, 2);
  const minute = text[2] === ':' ? digits(text, 3, 2) : -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return undefined;
  const low = (hour * 60 + minute) * 60_000;
  if (text.length === 5) return mayOmitSeconds ? { low, high: low + 59_999 } : undefined;
  const second = text[5] === ':' ? digits(text, 6, 2) : -1;
  if (second < 0 || second > 60) return undefined;
  const fraction = parseFraction(text, 8);
  if (!fraction) return undefined;
  return { low: low + second * 1000 + fraction.low, high: low + second * 1000 + fraction.high };
}

/** Tenths, hundredths or finer up to the end of the text; none stands for the whole second. */
function parseFraction(text: string, start: number): MillisecondRange | undefined {
  if (start === text.length) return { low: 0, high: 999 };
  const count = text.length - start - 1;
  if (text[start] !== '.' || count < 1 || digits(text, start + 1, count) < 0) return undefined;
  const low = digits(text.slice(start + 1, start + 4).padEnd(3, '0'), 0, 3);
  return { low, high: low + 10 ** Math.max(0, 3 - count) - 1 };
}

/** Where `Z`, `+hh:mm` or `-hh:mm` starts; -1 for none. */
function findZone(text: string): number {
  if (text.endsWith('Z')) return text.length - 1;
  const sign = text[text.length - 6];
  return text.length > 16 && (sign === '+' || sign === '-') ? text.length - 6 : -1;
}

function parseZone(text: string, start: number): number | undefined {
  if (start < 0) return undefined;
  if (text[start] === 'Z') return 0;
  const hours = digits(text, start + 1, 2);
  const minutes = text[start + 3] === ':' ? digits(text, start + 4, 2) : -1;
  const total = hours * 60 + minutes;
  if (hours < 0 || minutes < 0 || minutes > 59 || total > 14 * 60) return undefined;
  return (text[start] === '-' ? -total : total) * 60_000;
}

/** The number written in exactly these places, -1 when one of them is no digit. */
function digits(text: string, start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function monthLength(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : (daysOfMonth[month - 1] ?? 0);
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

/** Days since 1970-01-01 in the Gregorian calendar (Date.UTC takes the years 0 to 99 for 1900 to 1999). */
function dayNumber(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leapDays + dayOfYear - 719_468;
}
