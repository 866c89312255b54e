// The calendar day of an instant where something takes place: https://www.iana.org/time-zones

import { zoneOf } from '../scheduling/time-zone.ts';

/** `YYYY-MM-DD`. Throws a RangeError for a zone that is none. */
export function localDate(instant: Date, timeZone: string): string {
  return new Date(zoneOf(timeZone).wallOf(instant.getTime())).toISOString().slice(0, 10);
}
