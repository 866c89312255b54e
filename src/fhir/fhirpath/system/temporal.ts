// Dates, dateTimes and times with the precision they were written in: https://hl7.org/fhirpath/N1/#date

const datePattern =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d{1,9})?)\d*)?)?)?(Z|[+-]\d\d:\d\d)?)?$/;
const timePattern = /^T?(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d{1,9})?)\d*)?)?$/;
const textLengthMax = 64;
const minuteMs = 60_000;

/** Year, month, day, hour, minute and second as far as they are known; a time has the last three. */
export type Components = readonly number[];

export class Temporal {
  readonly kind: 'date' | 'dateTime' | 'time';
  readonly text: string;
  readonly components: Components;
  /** Undefined where no zone was written. */
  readonly offsetMinutes: number | undefined;

  constructor(kind: Temporal['kind'], text: string, components: Components, offsetMinutes?: number) {
    this.kind = kind;
    this.text = text;
    this.components = components;
    this.offsetMinutes = offsetMinutes;
  }

  /** The text, so that it reads as the JSON of an element does. */
  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** `@T12:00` is the time 12:00, and `@2012T` a date and time of which only the year is known. */
export function parseTemporal(text: string): Temporal | undefined {
  if (text.length > textLengthMax) return undefined;
  const time = timePattern.exec(text);
  if (time && (text.startsWith('T') || text[2] === ':')) return parseTime(text, time);
  const match = datePattern.exec(text);
  if (!match) return undefined;
  const [, year, month, day, timePart, hour, minute, second, zone] = match;
  const components = [year, month, day, hour, minute, second].filter((part) => part !== undefined).map(Number);
  const isComplete = hour === undefined || day !== undefined;
  if (!isComplete || !isInCalendar(components)) return undefined;
  const written = text.replace(/T$/, '');
  return new Temporal(timePart === undefined ? 'date' : 'dateTime', written, components, offsetOf(zone));
}

function parseTime(text: string, [, ...parts]: RegExpExecArray): Temporal | undefined {
  const components = parts.filter((part) => part !== undefined).map(Number);
  return isOfDay(components) ? new Temporal('time', text.replace(/^T/, ''), components) : undefined;
}

function isInCalendar([year = 0, month = 1, day = 1, ...time]: Components): boolean {
  return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month) && isOfDay(time);
}

function isOfDay([hour = 0, minute = 0, second = 0]: Components): boolean {
  return hour < 24 && minute < 60 && second < 61;
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined) return undefined;
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return zone.startsWith('-') ? -minutes : minutes;
}

/**
 * Below, equal or above zero; undefined where one is known less precisely than it would take, where only one of two
 * times of day has a zone, or where they are a time and a date: https://hl7.org/fhirpath/N1/#datetime-equality
 */
export function compareTemporals(left: Temporal, right: Temporal): number | undefined {
  if ((left.kind === 'time') !== (right.kind === 'time')) return undefined;
  const haveTimes = left.components.length > 3 && right.components.length > 3;
  if (haveTimes && (left.offsetMinutes === undefined) !== (right.offsetMinutes === undefined)) return undefined;
  const [a, b] = left.kind === 'time' ? [left.components, right.components] : [inUtc(left), inUtc(right)];
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length === b.length ? 0 : undefined;
}

/** For `~`, where another precision is another value. */
export function haveEqualPrecision(left: Temporal, right: Temporal): boolean {
  return left.components.length === right.components.length;
}

/** From minutes on: an hour alone cannot be moved by a zone of half hours. */
function inUtc({ components, offsetMinutes }: Temporal): Components {
  if (!offsetMinutes || components.length < 5) return components;
  const [year = 1, month = 1, day = 1, hour = 0, minute = 0, second] = components;
  const moved = new Date(epochMs([year, month, day, hour, minute]) - offsetMinutes * minuteMs);
  return [...minutesOf(moved), ...(second === undefined ? [] : [second])];
}

function minutesOf(date: Date): number[] {
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
}

/** Date.UTC takes the years 0 to 99 for 1900 to 1999. */
function epochMs([year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0]: Components): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, 0, Math.round(second * 1000));
  return date.getTime();
}

/** https://hl7.org/fhirpath/N1/#addition-2: what is finer than the value's precision counts in whole units of it. */
export function addToTemporal(temporal: Temporal, amount: number, unit: CalendarUnit): Temporal | undefined {
  if (temporal.kind === 'time') return addToTime(temporal, amount, unit);
  const { components } = temporal;
  let [rest, of] = [amount, unit];
  for (let finer = precisionOf[of]; finer > components.length; finer = precisionOf[of]) {
    const [factor, coarser] = coarserUnit[of] ?? [1, 'year'];
    [rest, of] = [rest / factor, coarser];
  }
  if (of === 'year') return withMonths(temporal, Math.trunc(rest) * 12);
  if (of === 'month') return withMonths(temporal, Math.trunc(rest));
  const isWhole = of === 'week' || of === 'day' || of === 'hour' || of === 'minute';
  const movedMs = (isWhole ? Math.trunc(rest) : rest) * unitMs[of];
  return rebuilt(temporal, new Date(epochMs(components) + movedMs));
}

export type CalendarUnit = 'year' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond';

const precisionOf: Readonly<Record<CalendarUnit, number>> = {
  ...{ year: 1, month: 2, week: 3, day: 3, hour: 4, minute: 5, second: 6, millisecond: 6 },
};
const coarserUnit: Readonly<Partial<Record<CalendarUnit, readonly [number, CalendarUnit]>>> = {
  millisecond: [1000, 'second'],
  second: [60, 'minute'],
  minute: [60, 'hour'],
  hour: [24, 'day'],
  week: [1 / 7, 'day'],
  day: [30, 'month'],
  month: [12, 'year'],
};
const unitMs: Readonly<Record<Exclude<CalendarUnit, 'year' | 'month'>, number>> = {
  ...{ week: 604_800_000, day: 86_400_000, hour: 3_600_000, minute: minuteMs, second: 1000, millisecond: 1 },
};

function addToTime(time: Temporal, amount: number, unit: CalendarUnit): Temporal | undefined {
  if (unit === 'year' || unit === 'month' || unit === 'week' || unit === 'day') return undefined;
  const [hour = 0, minute = 0, second = 0] = time.components;
  const movedMs = epochMs([1970, 1, 1, hour, minute, second]) + amount * unitMs[unit];
  const text = new Date(((movedMs % unitMs.day) + unitMs.day) % unitMs.day).toISOString().slice(11, 23);
  return parseTemporal(text.slice(0, [0, 2, 5, 8][time.components.length]) + fraction(time.text, text));
}

function withMonths(temporal: Temporal, months: number): Temporal | undefined {
  const [year = 1, month = 1, day, ...time] = temporal.components;
  const total = year * 12 + (month - 1) + months;
  const [newYear, newMonth] = [Math.floor(total / 12), (((total % 12) + 12) % 12) + 1];
  if (newYear < 1 || newYear > 9999) return undefined;
  const lastDay = daysInMonth(newYear, newMonth);
  return rebuilt(temporal, new Date(epochMs([newYear, newMonth, Math.min(day ?? 1, lastDay), ...time])));
}

/** Written as the old value was: its precision, fraction and zone. */
function rebuilt(temporal: Temporal, date: Date): Temporal | undefined {
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) return undefined;
  const iso = date.toISOString();
  const text = iso.slice(0, [0, 4, 7, 10, 13, 16, 19][temporal.components.length]) + fraction(temporal.text, iso);
  const zone = /(?:Z|[+-]\d\d:\d\d)$/.exec(temporal.text.slice(10))?.[0] ?? '';
  return parseTemporal(text + (temporal.kind === 'dateTime' && !text.includes('T') ? 'T' : '') + zone);
}

function fraction(before: string, iso: string): string {
  return before.includes('.') || !/\.000/.test(iso) ? (/\.\d{3}/.exec(iso)?.[0] ?? '') : '';
}
