// What the clinic's reports must say, reckoned from the plan of its visits alone.

import type { Basic, Bundle, Composition, MeasureReport, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { sumOf } from '../../src/fhir/decimal.ts';
import { readAmount } from '../../src/fhir/money.ts';
import { type Bill, billOf, currency, revenueAccount } from './bills.ts';
import { appointmentsPerDay, referenceTo } from './plan.ts';

/** Days of the plan, inclusive. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

export interface DaySums {
  /** At the end of each day, since the first. */
  readonly earnedMinor: readonly bigint[];
  readonly owedMinor: readonly bigint[];
  readonly owedByPatient: readonly bigint[];
}

export function sumsByDay(days: number, patients: number): DaySums {
  const sums = { earnedMinor: [] as bigint[], owedMinor: [] as bigint[], owedByPatient: [] as bigint[] };
  let [earned, owed] = [0n, 0n];
  for (let n = 0; n < days * appointmentsPerDay; n++) {
    const { isMissed, paid, amountMinor, patient } = billOf(n, patients);
    if (paid) earned += amountMinor;
    else if (!isMissed) {
      owed += amountMinor;
      sums.owedByPatient[patient] = (sums.owedByPatient[patient] ?? 0n) + amountMinor;
    }
    if ((n + 1) % appointmentsPerDay !== 0) continue;
    sums.earnedMinor.push(earned);
    sums.owedMinor.push(owed);
  }
  return sums;
}

export function same(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}.`);
}

function minorOf(value: number | undefined): bigint {
  const amount = value === undefined ? undefined : readAmount(value, currency);
  if (amount === undefined) throw new Error('An amount is missing, or none of the currency.');
  return amount;
}

/** What was earned is what was paid, on cash basis; by practitioner and by method each sums to it. */
export function compareRevenue(answer: MeasureReport, bills: readonly Bill[]): void {
  const paid = bills.filter((bill) => bill.paid);
  const expected = sumOf(paid.map(({ amountMinor }) => amountMinor));
  for (const name of ['revenue', 'receipts']) {
    const group = answer.group?.find(({ code }) => code?.text === `${name} in ${currency}`);
    same(name, minorOf(group?.measureScore?.value), expected);
    compareStrata(
      group,
      'method',
      Map.groupBy(paid, ({ paid: how }) => how?.method ?? ''),
    );
    compareStrata(
      group,
      name === 'revenue' ? 'practitioner' : 'drawer',
      Map.groupBy(paid, ({ practitioner, paid: how }) =>
        name === 'revenue' ? referenceTo('Practitioner', practitioner) : (how?.drawer ?? ''),
      ),
    );
  }
}

function compareStrata(
  group: NonNullable<MeasureReport['group']>[number] | undefined,
  dimension: string,
  expected: ReadonlyMap<string, readonly Bill[]>,
): void {
  const strata = group?.stratifier?.find(({ code }) => code?.[0]?.text === dimension)?.stratum ?? [];
  const known = [...expected].filter(([value]) => value !== '');
  same(`${dimension}s`, strata.length, known.length);
  for (const [value, bills] of known) {
    const score = strata.find((stratum) => stratum.value?.text === value)?.measureScore?.value;
    same(value, minorOf(score), sumOf(bills.map(({ amountMinor }) => amountMinor)));
  }
}

export function compareVisits(answer: MeasureReport, bills: readonly Bill[]): void {
  const counts = answer.group?.[0]?.population?.map(({ count }) => count) ?? [];
  same('visits', counts[0], bills.length);
  same('no-shows', counts[1], bills.filter(({ isMissed }) => isMissed).length);
}

export function compareTrialBalance(answer: Parameters, { earnedMinor, owedMinor }: DaySums, day: number): void {
  const partOf = ({ part = [] }: ParametersParameter, name: string) => part.find((one) => one.name === name);
  const amountOf = (number: string, side: 'debit' | 'credit') => {
    const account = answer.parameter?.find((one) => partOf(one, 'number')?.valueCode === number);
    return minorOf(account && partOf(account, side)?.valueMoney?.value);
  };
  same('revenue', amountOf(revenueAccount, 'credit'), earnedMinor[day]);
  same('receivables', amountOf('1200', 'debit'), owedMinor[day]);
  const total = answer.parameter?.find(({ name }) => name === 'total');
  const sides = ['debit', 'credit'].map((side) => minorOf(total && partOf(total, side)?.valueMoney?.value));
  same('debits and credits', sides[0], sides[1]);
  same('all', sides[0], (earnedMinor[day] ?? 0n) + (owedMinor[day] ?? 0n));
}

/** Whoever writes beside, in an earlier run, owes more. */
export function compareAging(answer: Parameters, { owedMinor }: DaySums): void {
  const total = answer.parameter?.find(({ name }) => name === 'total')?.part;
  const outstanding = minorOf(total?.find(({ name }) => name === 'outstanding')?.valueMoney?.value);
  const buckets = (total ?? []).slice(1).map(({ valueMoney }) => minorOf(valueMoney?.value));
  same('outstanding', outstanding, sumOf(buckets));
  if (outstanding < (owedMinor.at(-1) ?? 0n)) throw new Error('More is outstanding than the aging says.');
}

export function moneyMinor({ extension = [] }: Basic): bigint {
  const amounts = extension.flatMap(({ extension: parts = [] }) =>
    parts.flatMap(({ url, valueMoney }) => (url === 'amount' ? [minorOf(valueMoney?.value)] : [])),
  );
  // Money is the first line of a payment.
  return amounts[0] ?? 0n;
}

export function compareReceivables(answer: Bundle, { owedMinor }: DaySums, { first, last }: Span): void {
  same('opening', balanceIn(answer, 'opening'), owedMinor[first - 1] ?? 0n);
  same('closing', balanceIn(answer, 'closing'), owedMinor[last]);
}

export function balanceIn({ entry = [] }: Bundle, which: 'opening' | 'closing'): bigint {
  const account = entry.find(({ search }) => search?.mode === 'include')?.resource;
  const extensions = account?.resourceType === 'Account' ? (account.extension ?? []) : [];
  return minorOf(extensions.find(({ url }) => url.toLowerCase().includes(which))?.valueMoney?.value);
}

/** The last row of the first table is the closing balance. */
export function compareStatement(answer: Bundle, owedMinor: bigint): void {
  const [composition] = (answer.entry ?? []).map(({ resource }) => resource as Composition);
  const [movements = ''] = (composition?.section?.[0]?.text?.div ?? '').split('</table>');
  const [, amount = ''] = /([\d,]+\.\d\d)<\/td><\/tr>$/.exec(movements) ?? [];
  same('statement', minorOf(Number(amount.replaceAll(',', ''))), owedMinor);
}
