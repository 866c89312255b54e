// A moment as clocks of the clinic show it, with their distance from UTC: https://hl7.org/fhir/R4/datatypes.html#dateTime

const formats = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-20T18:30:00+01:00`; its first ten characters are the clinic's day. */
export function clinicTime(at: Date, timeZone: string): string {
  let format = formats.get(timeZone);
  if (!format) {
    // Swedish writes date and time as ISO 8601 does, but for the blank between them.
    format = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
    formats.set(timeZone, format);
  }
  const wall = format.format(at).replace(' ', 'T');
  const minutes = Math.round((Date.parse(`${wall}Z`) - at.getTime()) / 60_000);
  const [sign, distance] = minutes < 0 ? ['-', -minutes] : ['+', minutes];
  const [hours, rest] = [Math.floor(distance / 60), distance % 60].map((part) => String(part).padStart(2, '0'));
  return `${wall}${sign}${hours}:${rest}`;
}

/** `2026-12-20`: so many days after a day. */
export function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}
