// Sums of what was earned and taken in, from the ledger's rows by day (domain.md S1-P4-4).

import type { Currency } from '../../fhir/money.ts';
import type { Session } from '../../repository/session.ts';

export const dimensions = ['day', 'practitioner', 'department', 'account', 'method', 'drawer'] as const;
export type Dimension = (typeof dimensions)[number];

export interface Figure {
  /** What was earned, on the accounts of revenue; what came in, on those of money. */
  readonly name: 'revenue' | 'receipts';
  readonly currency: Currency;
  /** Undefined: of the whole period. */
  readonly dimension: Dimension | undefined;
  /** Empty where nothing is known of it. */
  readonly value: string;
  readonly amountMinor: bigint;
}

interface Row {
  readonly is_money: boolean;
  readonly currency: Currency;
  readonly parts: (string | null)[];
  readonly credits: string;
}

/** One statement over as many rows as there are days, accounts, practitioners, departments, methods and drawers. */
export async function readFigures(
  { trx }: Session,
  { start, end }: { readonly start: string; readonly end: string },
): Promise<Figure[]> {
  const rows = await trx.query<Row>({
    name: 'report-figures',
    text: `SELECT is_money, currency, ARRAY[day::text, practitioner, department, number, method, drawer] AS parts,
             sum(credit_minor - debit_minor)::text AS credits
           FROM (SELECT fact.*, left(fact.number, 2) = '10' AS is_money FROM ledger_fact fact
                 WHERE fact.day BETWEEN $1 AND $2) AS fact
           GROUP BY GROUPING SETS ((is_money, currency), (is_money, currency, day), (is_money, currency, practitioner),
             (is_money, currency, department), (is_money, currency, number), (is_money, currency, method),
             (is_money, currency, drawer))
           ORDER BY is_money, currency, day, practitioner, department, number, method, drawer`,
    values: [start, end],
  });
  return rows.map(figureOf);
}

/** Money comes in as a debit, revenue as a credit. */
function figureOf({ is_money: isMoney, currency, parts, credits }: Row): Figure {
  const known = parts.findIndex((part) => part !== null);
  return {
    name: isMoney ? 'receipts' : 'revenue',
    currency,
    dimension: dimensions[known],
    value: parts[known] ?? '',
    amountMinor: isMoney ? -BigInt(credits) : BigInt(credits),
  };
}
