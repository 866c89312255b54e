// Says of what kind a wrong value is without repeating it: it may be a patient's.

/** To be read after "found". */
export function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty object' : 'an object';
  if (typeof value === 'string') return describeText(value);
  return typeof value === 'number' ? describeNumber(value) : `a ${typeof value}`;
}

function describeText(text: string): string {
  if (text === '') return 'an empty string';
  if (text.length < 10_000 && text.trim() === '') return 'only white space';
  return `a string of ${text.length} character${text.length === 1 ? '' : 's'}`;
}

function describeNumber(number: number): string {
  if (!Number.isInteger(number)) return 'a number with decimals';
  return number < 0 ? 'a negative number' : 'a number';
}

/** A code may be named where it looks like one and not like a name: nearly all of FHIR's own are in lower case. */
export function describeCode(code: unknown): string {
  return typeof code === 'string' && /^(?:[a-z0-9][a-z0-9._:/-]{0,63}|[A-Z0-9]{1,3})$/.test(code)
    ? `"${code}"`
    : describeFound(code);
}

/** Units are no names of people. */
export function describeUnit(code: unknown): string {
  return typeof code === 'string' && /^[!-~]{1,24}$/.test(code) ? `"${code}"` : describeCode(code);
}

/** What keeps a text from being a date, dateTime or instant, as far as that tells nothing of which. */
export function describeDate(text: string, type: string): string {
  if (/^\d{4}(?:-\d{2}){0,2}$/.test(text)) {
    return type === 'instant' ? 'a date without a time' : 'a month or day that the calendar does not have';
  }
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text)) return describeFound(text);
  if (type === 'date') return 'a date with a time';
  if (/T\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2})?$/.test(text)) return 'a time without seconds';
  return /(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? 'a day, time or zone that there is not' : 'a time without a time zone';
}
