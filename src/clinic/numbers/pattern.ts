// How a number is written, and when its count begins again: contract.md 45, domain.md D11.

import { localDate } from '../../fhir/time-zone.ts';

/** What a series is stored with; an empty period means that whatever period comes is counted on into. */
export interface Dated {
  readonly pattern: string;
  readonly period: string;
  readonly timezone: string | null;
}

/**
 * As much of the clinic's date as the pattern shows: `2026`, `2026-11` or `2026-11-20`, or nothing. Never one before the
 * stored period: whoever began before midnight comes after those who began later, and counts on with them.
 */
export function periodOf({ pattern, period, timezone }: Dated, at: Date): string {
  const length = lengthOf(pattern);
  if (length === 0) return '';
  const own = localDate(at, timezone ?? 'UTC').slice(0, length);
  return period.length === length && period > own ? period : own;
}

/** `number_series` takes no pattern that shows a month without its year, or a day without its month. */
function lengthOf(pattern: string): number {
  if (pattern.includes('{dd}')) return 10;
  if (pattern.includes('{MM}')) return 7;
  return pattern.includes('{yy') ? 4 : 0;
}

export function formatNumber(pattern: string, period: string, number: number): string {
  return pattern.replace(/\{(yyyy|yy|MM|dd|0+)\}/g, (_, part: string) => {
    if (part === 'yyyy') return period.slice(0, 4);
    if (part === 'yy') return period.slice(2, 4);
    if (part === 'MM') return period.slice(5, 7);
    return part === 'dd' ? period.slice(8, 10) : String(number).padStart(part.length, '0');
  });
}
