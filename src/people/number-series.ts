// How the numbers of patients, appointments, invoices, receipts and credit notes are written: contract.md 45 and 47, domain.md D11.

import type { TenantTransaction } from '../database/tenant-transaction.ts';
import { fhirError } from '../fhir/outcome.ts';

/** Each with what it numbers. */
export const numberSeries = {
  PAT: 'patients',
  APT: 'appointments',
  INV: 'invoices, when they are issued',
  RCT: 'receipts of payments',
  CN: 'credit notes',
} as const;

export type SeriesCode = keyof typeof numberSeries;

export interface NumberSeries {
  readonly code: SeriesCode;
  /** `PAT-{yyyy}-{00000}` */
  readonly pattern: string;
  readonly next: number;
}

export function isSeriesCode(code: string): code is SeriesCode {
  return Object.hasOwn(numberSeries, code);
}

/** Also those nobody has set, as they are by default. */
export async function listNumberSeries(trx: TenantTransaction): Promise<NumberSeries[]> {
  const rows = await trx.query<{ code: string; pattern: string; next: number }>({
    // Numbers that are laid out ahead are counted already, and given to nobody yet.
    text: `SELECT code, pattern, coalesce(
             (SELECT min(number) FROM free_number f WHERE f.code = s.code AND f.epoch = s.epoch), next_number)::float8 AS next
           FROM number_series s`,
  });
  const stored = new Map(rows.map((row) => [row.code, row]));
  return (Object.keys(numberSeries) as SeriesCode[]).map((code) => ({
    code,
    pattern: stored.get(code)?.pattern ?? `${code}-{yyyy}-{00000}`,
    next: stored.get(code)?.next ?? 1,
  }));
}

/**
 * Throws 422 for a pattern that is none and 409 for a number that may have been given out. The row is locked until the end of
 * the transaction, as whoever counts on locks it; a number that somebody is about to take is waited for.
 */
export async function putNumberSeries(
  trx: TenantTransaction,
  code: SeriesCode,
  { pattern, next }: { readonly pattern: string; readonly next?: number },
): Promise<void> {
  requirePattern(pattern);
  trx.execute({
    text: `INSERT INTO number_series (code, pattern) VALUES ($1, $2)
           ON CONFLICT (tenant_id, code) DO UPDATE SET pattern = $2,
             -- A pattern that shows other parts of the date goes on with the count all the same.
             period = CASE WHEN number_series.pattern = $2 THEN number_series.period ELSE '' END`,
    values: [code, pattern],
  });
  if (next === undefined) return;
  trx.execute({ text: 'DELETE FROM free_number WHERE code = $1 AND number < $2', values: [code, next] });
  const rows = await trx.query({
    text: `UPDATE number_series SET next_number = greatest(next_number, $2)
           WHERE code = $1 AND $2 >= coalesce(
             (SELECT min(number) FROM free_number f WHERE f.code = $1 AND f.epoch = number_series.epoch), next_number)
           RETURNING code`,
    values: [code, next],
  });
  if (rows.length > 0) return;
  throw fhirError('conflict', 'The next number cannot be lower than it is: numbers would be given out twice.', {
    expression: 'next',
  });
}

/** Plain characters, parts of the day's date, and exactly one counter with as many places as it has zeros at least. */
const patternSyntax =
  /^(?:[A-Za-z0-9./ -]|\{(?:yyyy|yy|MM|dd)\})*\{0{1,12}\}(?:[A-Za-z0-9./ -]|\{(?:yyyy|yy|MM|dd)\})*$/;

function requirePattern(pattern: string): void {
  const isMonthWithoutYear = pattern.includes('{MM}') && !pattern.includes('{yy');
  const isDayWithoutMonth = pattern.includes('{dd}') && !pattern.includes('{MM}');
  const isUnclear = isMonthWithoutYear || isDayWithoutMonth;
  if (patternSyntax.test(pattern) && pattern.length <= 64 && pattern.trim() === pattern && !isUnclear) return;
  const parts = 'letters, digits, . / - and spaces, {yyyy} or {yy}, {MM}, {dd}, and one counter such as {00000}';
  const diagnostics = `A pattern has at most 64 characters: ${parts}; months only beside the year, days beside the month.`;
  throw fhirError('value', diagnostics, { expression: 'pattern' });
}
