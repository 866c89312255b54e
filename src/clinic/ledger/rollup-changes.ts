// What postings change of the sums by day: of accounts, and of money and revenue as reports tell them apart.

import { isRevenue } from './invoice-changes.ts';

/** What sums by day need to know of a journal. */
export interface SummedJournal {
  readonly businessDate: string;
  /** What it is, or takes back. */
  readonly mirrors: string;
  readonly method: string;
  readonly drawer: string;
  readonly lines: readonly SummedLine[];
}

export interface SummedLine {
  readonly accountId: string;
  readonly controlId: string;
  readonly number: string;
  readonly sub: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly practitioner: string;
  readonly department: string;
}

/**
 * By account, currency and day. Accounts of patients are too many to have days of their own: they have few entries, which are
 * added up when they are asked for.
 */
export function sumDays(sums: Sums, journal: SummedJournal): void {
  for (const line of journal.lines) {
    const { accountId, controlId, sub, currency } = line;
    const ids = accountId === controlId || isOfPatient(sub) ? [controlId] : [accountId, controlId];
    for (const id of ids) addTo(sums, [id, currency, journal.businessDate], line.amountMinor);
  }
}

export function isOfPatient(sub: string): boolean {
  return sub.startsWith('Patient/');
}

/** By day, currency, number, practitioner, department, method and drawer. */
export function sumFacts(sums: Sums, { businessDate, mirrors, method, drawer, lines }: SummedJournal): void {
  // What a settlement finds over or short was not taken in.
  if (mirrors === 'OVER_SHORT') return;
  for (const { number, currency, practitioner, department, amountMinor } of lines) {
    if (!isMoney(number) && !isRevenue(number)) continue;
    addTo(sums, [businessDate, currency, number, practitioner, department, method, drawer], amountMinor);
  }
}

/** 1010 to 1050. */
export function isMoney(number: string): boolean {
  return /^10[1-5]0$/.test(number);
}

/** Debits and credits by their keys, as JSON. */
export type Sums = Map<string, [debitMinor: bigint, creditMinor: bigint]>;

function addTo(sums: Sums, parts: readonly string[], amountMinor: bigint): void {
  const key = JSON.stringify(parts);
  const sum = sums.get(key) ?? [0n, 0n];
  if (amountMinor > 0n) sum[0] += amountMinor;
  else sum[1] -= amountMinor;
  sums.set(key, sum);
}

/** The parts of the keys with both sums, in one order. */
export function sumRows(sums: Sums): unknown[][] {
  return [...sums.keys()].sort().map((key) => [...(JSON.parse(key) as string[]), ...(sums.get(key) ?? [])]);
}
