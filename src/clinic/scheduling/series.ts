// The times of a series from R5's recurrenceTemplate: the same wall time in its zone (contract.md 21):
// https://hl7.org/fhir/R5/appointment-definitions.html#Appointment.recurrenceTemplate

import type { Appointment, Extension } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import { isZoneName, type Zone, zoneOf } from '../../fhir/time-zone.ts';
import { recurrenceIdUrl, recurrenceTemplateUrl } from './canonicals.ts';
import type { Interval } from './interval.ts';

export const occurrencesMax = 100;

const dayMs = 86_400_000;
/** What may be left out in between; a series is over long before. */
const daysMax = 40_000;

/** Throws 422 for the beginning of a series that is not booked yet: by itself it would be one visit, and nobody told. */
export function requireNoSeries({ extension = [] }: Appointment): void {
  const has = (url: string) => extension.some((one) => one.url === url);
  if (!has(recurrenceTemplateUrl) || has(recurrenceIdUrl)) return;
  throw refusal('A series is booked whole: give $book the new Appointment itself, as appointment-resource.');
}

/** `first` is the first of them. Throws 422 for a template that says what this server does not do. */
export function occurrencesOf(template: Extension, first: Interval, timezone: string): Interval[] {
  requireKnown(template.extension ?? [], known);
  const zone = zoneIn(template) ?? zoneOf(timezone);
  const firstWallMs = zone.wallOf(first.low);
  const firstDay = Math.floor(firstWallMs / dayMs);
  const { count, lastDay } = endOf(template);
  const excluded = new Set(valuesOf(template, 'excludingDate').map(({ valueDate = '' }) => dayOf(valueDate)));
  const isOn = patternOf(template, firstDay);
  if (!isOn(firstDay) || excluded.has(firstDay))
    throw refusal('The series must begin with the time of the Appointment.');
  const found: Interval[] = [];
  for (let day = firstDay; day <= Math.min(lastDay, firstDay + daysMax) && found.length < count; day++) {
    if (!isOn(day) || excluded.has(day)) continue;
    if (found.length === occurrencesMax) throw refusal(`A series has at most ${occurrencesMax} occurrences.`);
    found.push(day === firstDay ? first : occurrence(zone, day, firstWallMs - firstDay * dayMs, first));
  }
  if (found.length === 0) throw refusal('The series is over before it begins.');
  // Of two ends the earlier one counts.
  if (count !== Infinity && lastDay === Infinity && found.length < count)
    throw refusal('There are not so many occurrences within a century.');
  return found;
}

function occurrence(zone: Zone, day: number, timeMs: number, first: Interval): Interval {
  const low = zone.instantOf(day * dayMs + timeMs);
  if (low !== undefined) return { low, high: low + first.high - first.low };
  const date = new Date(day * dayMs).toISOString().slice(0, 10);
  throw refusal(`On ${date} the clock jumps over this time: leave the day out by excludingDate, or take another time.`);
}

const known = [
  ...['timezone', 'recurrenceType', 'lastOccurrenceDate', 'occurrenceCount', 'excludingDate'],
  ...['weeklyTemplate', 'monthlyTemplate'],
];

function requireKnown(extensions: readonly Extension[], names: readonly string[]): void {
  const unknown = extensions.find(({ url }) => !names.includes(url));
  if (unknown) throw refusal(`Of a recurrenceTemplate this server knows ${names.join(', ')}.`);
}

function valuesOf({ extension = [] }: Extension, url: string): Extension[] {
  return extension.filter((one) => one.url === url);
}

function zoneIn(template: Extension): Zone | undefined {
  const [given] = valuesOf(template, 'timezone');
  if (!given) return undefined;
  const name = given.valueCodeableConcept?.coding?.[0]?.code ?? '';
  if (isZoneName(name)) return zoneOf(name);
  throw refusal('The time zone of the series must be a name of IANA, such as Europe/Vienna.');
}

function endOf(template: Extension): { readonly count: number; readonly lastDay: number } {
  const count = valuesOf(template, 'occurrenceCount')[0]?.valuePositiveInt;
  const last = valuesOf(template, 'lastOccurrenceDate')[0]?.valueDate;
  if (count === undefined && last === undefined) throw refusal('A series needs occurrenceCount or lastOccurrenceDate.');
  if (count !== undefined && count > occurrencesMax)
    throw refusal(`A series has at most ${occurrencesMax} occurrences.`);
  return { count: count ?? Infinity, lastDay: last === undefined ? Infinity : dayOf(last) };
}

/** Whole days since 1970. */
function dayOf(date: string): number {
  const day = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) / dayMs : Number.NaN;
  if (Number.isInteger(day)) return day;
  throw refusal('The dates of a series are whole days, such as 2026-11-23.');
}

type DayTest = (day: number) => boolean;

function patternOf(template: Extension, firstDay: number): DayTest {
  const type = valuesOf(template, 'recurrenceType')[0]?.valueCodeableConcept?.coding?.[0]?.code;
  switch (type) {
    case 'd':
      return () => true;
    case 'wk':
      return weekly(valuesOf(template, 'weeklyTemplate')[0], firstDay);
    case 'mo':
      return monthly(valuesOf(template, 'monthlyTemplate')[0], firstDay);
    case 'a':
      return (day) => sameDate(day, firstDay) && dateOf(day).getUTCMonth() === dateOf(firstDay).getUTCMonth();
    default:
      throw refusal('The recurrenceType must be d, wk, mo or a, of UCUM.');
  }
}

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** 1970-01-01 was a Thursday: weeks begin on Mondays. */
const weekdayOf = (day: number) => (((day + 3) % 7) + 7) % 7;

function weekly(template: Extension | undefined, firstDay: number): DayTest {
  if (template) requireKnown(template.extension ?? [], [...weekdays, 'weekInterval']);
  const named = weekdays.flatMap((name, index) =>
    template && valuesOf(template, name)[0]?.valueBoolean === true ? index : [],
  );
  const days = named.length > 0 ? named : [weekdayOf(firstDay)];
  const interval = (template && valuesOf(template, 'weekInterval')[0]?.valuePositiveInt) ?? 1;
  const monday = firstDay - weekdayOf(firstDay);
  return (day) => days.includes(weekdayOf(day)) && Math.floor((day - monday) / 7) % interval === 0;
}

/** Months that have no such day are left out. */
function monthly(template: Extension | undefined, firstDay: number): DayTest {
  if (template) requireKnown(template.extension ?? [], ['dayOfMonth', 'monthInterval']);
  const wanted = template && valuesOf(template, 'dayOfMonth')[0]?.valuePositiveInt;
  if (wanted !== undefined && wanted !== dateOf(firstDay).getUTCDate()) return () => false;
  const interval = (template && valuesOf(template, 'monthInterval')[0]?.valuePositiveInt) ?? 1;
  const firstMonth = monthOf(firstDay);
  return (day) => sameDate(day, firstDay) && (monthOf(day) - firstMonth) % interval === 0;
}

function dateOf(day: number): Date {
  return new Date(day * dayMs);
}

function sameDate(a: number, b: number): boolean {
  return dateOf(a).getUTCDate() === dateOf(b).getUTCDate();
}

function monthOf(day: number): number {
  const date = dateOf(day);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function refusal(diagnostics: string): Error {
  return fhirError('business-rule', diagnostics, { expression: 'Appointment.extension' });
}
