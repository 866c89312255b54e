// A moment as clocks of the clinic show it, with their distance from UTC: https://hl7.org/fhir/R4/datatypes.html#dateTime

import { zoneOf } from '../../fhir/time-zone.ts';

/** `2026-11-20T18:30:00+01:00`; its first ten characters are the clinic's day. */
export function clinicTime(at: Date, timeZone: string): string {
  const offsetMs = zoneOf(timeZone).offsetMsAt(at.getTime());
  const wall = new Date(at.getTime() + offsetMs).toISOString().slice(0, 19);
  const minutes = Math.round(offsetMs / 60_000);
  const [sign, distance] = minutes < 0 ? ['-', -minutes] : ['+', minutes];
  const [hours, rest] = [Math.floor(distance / 60), distance % 60].map((part) => String(part).padStart(2, '0'));
  return `${wall}${sign}${hours}:${rest}`;
}

/** `2026-12-20`: so many days after a day. */
export function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}
