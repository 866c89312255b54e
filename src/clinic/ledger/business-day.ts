// Days of the clinic: which ones a date of FHIR means, and which are to come: https://hl7.org/fhir/R4/datatypes.html#date

import { fhirError } from '../../fhir/outcome.ts';

/** The first and the last day that a date of three, two or one part means. */
export function daysOf(date: string): { readonly first: string; readonly last: string } {
  const [year = '', month, day] = date.split('-');
  if (day !== undefined) return { first: date, last: date };
  const lastMonth = month ?? '12';
  const lastOfMonth = new Date(Date.UTC(Number(year), Number(lastMonth), 0)).getUTCDate();
  return { first: `${year}-${month ?? '01'}-01`, last: `${year}-${lastMonth}-${lastOfMonth}` };
}

export function dayBefore(day: string): string {
  return new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10);
}

/** Throws 422 for a day that has not begun in the clinic. */
export function requirePastDay(name: string, day: string, today: string): void {
  if (day <= today) return;
  throw fhirError('business-rule', `${name} is a day to come: the ledger says what was, not what will be.`);
}
