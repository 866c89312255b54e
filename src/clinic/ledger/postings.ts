// The lines of every event of the clinic's money, on cash and on accrual basis (domain.md 3.3, contract.md 29 to 36, 44).

import { divideHalfUp, roundToSum, sumOf } from '../../fhir/decimal.ts';
import type { InvoiceBalance } from './invoice-balances.ts';
import type { AccountKey, JournalLine } from './journal.ts';

export interface ChargedInvoice {
  /** Its id. */
  readonly invoice: string;
  /** `Patient/x` who owes it; once it was charged, the account it was charged to goes before. */
  readonly patient?: string | undefined;
}

export interface Charge extends ChargedInvoice {
  readonly basis: InvoiceBalance['basis'];
  /** By revenue account, before discounts; the discounts as a negative amount on 4100. */
  readonly netMinor: ReadonlyMap<string, bigint>;
  /** By the code or name of the tax. */
  readonly taxMinor: ReadonlyMap<string, bigint>;
}

/** A part of the outstanding of an Invoice, with its balance before the whole posting. */
export interface Allocation extends ChargedInvoice {
  readonly balance: InvoiceBalance;
  readonly amountMinor: bigint;
}

export interface MoneyMoved {
  /** A code of v2-0570 or of the house. */
  readonly method: string;
  /** `Location/x`; cash without it is in the account of all drawers. */
  readonly drawer?: string;
  readonly amountMinor: bigint;
}

/** A part of a patient's credit. */
export interface CreditMoved {
  /** `Patient/x`. */
  readonly patient?: string | undefined;
  /** `PaymentReconciliation/x` or `Invoice/x` (a credit note). */
  readonly source: string;
  readonly amountMinor: bigint;
}

export interface CreditNote extends ChargedInvoice {
  readonly balance: InvoiceBalance;
  /** Gross, positive, at most `creditableMinor`. */
  readonly amountMinor: bigint;
  /** `Invoice/x`: the note, whose credit the rest becomes. */
  readonly note: string;
}

export type WriteOffReason = keyof typeof writeOffAccounts;

const writeOffAccounts = { BAD_DEBT: '6000', HARDSHIP: '6010', SMALL_BALANCE: '6030' } as const;

const moneyAccounts: Readonly<Record<string, string>> = {
  CASH: '1010',
  CCCA: '1020',
  DEBC: '1020',
  UPI: '1030',
  wallet: '1030',
  DDPO: '1040',
  CHCK: '1050',
};

/** Issue: Dr 1200, Cr 2200 and Cr 40xx, on cash basis Cr 2400; discounts are debits of 4100. */
export function chargeLines(charge: Charge): JournalLine[] {
  const { invoice, basis, taxMinor } = charge;
  const netMinor = charge.netMinor.size > 0 ? charge.netMinor : new Map([[otherRevenue, 0n]]);
  const grossMinor = sumOf([...netMinor.values(), ...taxMinor.values()]);
  // Where nothing will ever be paid nothing waits for a payment.
  const isDeferred = basis === 'cash' && grossMinor > 0n;
  const revenue = [...netMinor].map(([number, amountMinor]): JournalLine => {
    if (!isDeferred) return { account: { number }, amountMinor: -amountMinor, invoice };
    return { account: { number: '2400' }, amountMinor: -amountMinor, invoice, revenue: number };
  });
  const taxes = [...taxMinor].map(([code, amountMinor]) => taxLine(invoice, code, -amountMinor));
  // An Invoice of nothing is posted too, by two lines of nothing.
  const first = revenue.slice(0, 1);
  return [receivable(charge, grossMinor), ...first, ...withoutZeros([...revenue.slice(1), ...taxes])];
}

/** Dr money; Cr 1200 of each allocation with its revenue; the rest Cr 2100: a deposit where there is no allocation. */
export function paymentLines(
  money: MoneyMoved,
  allocations: readonly Allocation[],
  payer: Omit<CreditMoved, 'amountMinor'>,
): JournalLine[] {
  const restMinor = money.amountMinor - sumOf(allocations.map(({ amountMinor }) => amountMinor));
  if (restMinor < 0n) throw new RangeError('More is allocated than was paid.');
  const rest = restMinor === 0n ? [] : [creditLine({ ...payer, amountMinor: restMinor }, -1n)];
  return [moneyLine(money, 1n), ...allocationLines(allocations), ...rest];
}

/** Dr 2100 of the credits that are used, Cr 1200 of what they settle. */
export function applyCreditLines(credits: readonly CreditMoved[], allocations: readonly Allocation[]): JournalLine[] {
  return [...credits.map((credit) => creditLine(credit, 1n)), ...allocationLines(allocations)];
}

/** Dr 1200 of the Invoices that reopen, Dr 2100 of the credits that are paid out, Cr money. */
export function refundLines(
  money: MoneyMoved,
  reopened: readonly Allocation[],
  credits: readonly CreditMoved[],
): JournalLine[] {
  return [
    ...perInvoice(reopened).flatMap(reopenLines),
    ...credits.map((credit) => creditLine(credit, 1n)),
    moneyLine(money, -1n),
  ];
}

/** What notes can still take from the Invoice: its revenue and tax as they stand. */
export function creditableMinor({ deferredMinor, recognisedMinor, taxMinor }: InvoiceBalance): bigint {
  return sumOf([deferredMinor, recognisedMinor, taxMinor].flatMap((parts) => [...parts.values()]));
}

/**
 * Tax in the proportion of the Invoice; of the net what is unpaid from 2400 and what is paid from 40xx; the outstanding is
 * lowered first, and the rest becomes credit.
 */
export function creditNoteLines(note: CreditNote): JournalLine[] {
  const { invoice, patient, balance, amountMinor } = note;
  const { outstandingMinor, deferredMinor, recognisedMinor, taxMinor } = balance;
  const grossMinor = creditableMinor(balance);
  if (amountMinor > grossMinor) throw new RangeError('The notes would be more than the Invoice.');
  const taxes = shareOf(taxMinor, amountMinor, grossMinor);
  const netMinor = amountMinor - sumOf([...taxes.values()]);
  const restMinor = amountMinor > outstandingMinor ? amountMinor - outstandingMinor : 0n;
  const unpaidMinor = amountMinor - restMinor;
  const fromDeferred = unpaidNet(balance, netMinor, unpaidMinor, amountMinor);
  const deferred = split(deferredMinor, fromDeferred);
  const recognised = split(recognisedMinor, netMinor - fromDeferred);
  return withoutZeros([
    ...[...deferred].map(([number, part]) => deferredLine(invoice, number, part)),
    ...[...recognised].map(([number, part]): JournalLine => ({ account: { number }, amountMinor: part, invoice })),
    ...[...taxes].map(([code, part]) => taxLine(invoice, code, part)),
    receivable(note, -unpaidMinor),
    creditLine({ patient, source: note.note, amountMinor: restMinor }, -1n),
  ]);
}

/** Dr 6000, 6010 or 6030, Cr 1200; nothing of it stays deferred, and tax is owed all the same. */
export function writeOffLines(allocation: Allocation, reason: WriteOffReason): JournalLine[] {
  const { amountMinor, invoice } = allocation;
  return [{ account: { number: writeOffAccounts[reason] }, amountMinor, invoice }, ...allocationLines([allocation])];
}

/** Counted less expected: what is over Dr money Cr 6020, what is short the other way round. */
export function overShortLines(counted: MoneyMoved): JournalLine[] {
  return [moneyLine(counted, 1n), { account: { number: '6020' }, amountMinor: -counted.amountMinor }];
}

/** Cash into a drawer Dr 1010 Cr 1040, and out of it the other way round. */
export function transferLines(cash: MoneyMoved): JournalLine[] {
  return [moneyLine(cash, 1n), { account: { number: bank }, amountMinor: -cash.amountMinor }];
}

/** What the bank keeps for a payment that it takes back: Dr 6050, Cr 1040. */
export function bankFeeLines(amountMinor: bigint): JournalLine[] {
  return [
    { account: { number: '6050' }, amountMinor },
    { account: { number: bank }, amountMinor: -amountMinor },
  ];
}

const bank = '1040';

/** Where money of a method is. */
export function moneyAccount({ method, drawer }: Pick<MoneyMoved, 'method' | 'drawer'>): AccountKey {
  const number = moneyAccounts[method];
  if (number === undefined) throw new RangeError('The method of payment has no account.');
  return number === '1010' && drawer !== undefined ? { number, sub: drawer } : { number };
}

/** The name of a tax becomes a code: it names an account. */
export function taxAccount(name: string): AccountKey {
  const code = name.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 64);
  return { number: '2200', sub: code === '' ? '-' : code };
}

function allocationLines(allocations: readonly Allocation[]): JournalLine[] {
  return perInvoice(allocations).flatMap((allocation) => [
    receivable(allocation, -allocation.amountMinor),
    ...recogniseLines(allocation),
  ]);
}

/** Dr 2400, Cr 40xx in the proportion of what is settled to what was outstanding; the last settlement takes the rest. */
function recogniseLines({ invoice, balance, amountMinor }: Allocation): JournalLine[] {
  const { deferredMinor, outstandingMinor } = balance;
  if (amountMinor > outstandingMinor) throw new RangeError('More is settled than is outstanding.');
  return [...shareOf(deferredMinor, amountMinor, outstandingMinor)].flatMap(([number, part]) =>
    withoutZeros([deferredLine(invoice, number, part), { account: { number }, amountMinor: -part, invoice }]),
  );
}

/** Dr 1200, and on cash basis the revenue that the payment had moved goes back, the last refund taking the rest. */
function reopenLines(allocation: Allocation): JournalLine[] {
  const { invoice, balance, amountMinor } = allocation;
  const { basis, recognisedMinor, paidMinor, writtenOffMinor } = balance;
  if (amountMinor > paidMinor) throw new RangeError('More is refunded than was paid.');
  const parts = basis === 'cash' ? shareOf(recognisedMinor, amountMinor, paidMinor + writtenOffMinor) : [];
  const back = [...parts].flatMap(([number, part]) =>
    withoutZeros([{ account: { number }, amountMinor: part, invoice }, deferredLine(invoice, number, -part)]),
  );
  return [receivable(allocation, amountMinor), ...back];
}

/** Of the net of a note what was still deferred: all of it where nothing stays outstanding. */
function unpaidNet(balance: InvoiceBalance, netMinor: bigint, unpaidMinor: bigint, amountMinor: bigint): bigint {
  const deferred = sumOf([...balance.deferredMinor.values()]);
  if (unpaidMinor === balance.outstandingMinor) return deferred;
  return unpaidMinor === amountMinor && netMinor <= deferred ? netMinor : deferred;
}

/** Of each part `amount / whole`, to the nearest unit together: all of it when they are the same. */
function shareOf(parts: ReadonlyMap<string, bigint>, amount: bigint, whole: bigint): Map<string, bigint> {
  if (amount === 0n) return new Map();
  const numerators = [...parts.values()].map((part) => part * amount);
  const rounded = roundToSum(numerators, whole, divideHalfUp(sumOf(numerators), whole));
  return new Map([...parts.keys()].map((key, index) => [key, rounded[index] ?? 0n]));
}

/** An amount in the proportion of the parts; on the first where they sum to nothing. */
function split(parts: ReadonlyMap<string, bigint>, amount: bigint): Map<string, bigint> {
  const whole = sumOf([...parts.values()]);
  if (amount === whole) return new Map(parts);
  if (whole !== 0n) return shareOf(parts, amount, whole);
  const [first = otherRevenue] = parts.keys();
  return new Map([[first, amount]]);
}

const otherRevenue = '4090';

function perInvoice(allocations: readonly Allocation[]): Allocation[] {
  const groups = Map.groupBy(allocations, ({ invoice }) => invoice);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ ...first, amountMinor: sumOf(group.map(({ amountMinor }) => amountMinor)) }] : [];
  });
}

/** What an Invoice was charged to is settled and reopened there, so that no account is left with a part of it (I6). */
function receivable(
  { invoice, patient, balance }: ChargedInvoice & { readonly balance?: InvoiceBalance },
  amountMinor: bigint,
): JournalLine {
  return { ...ofPatient('1200', balance?.chargedTo ?? patient), amountMinor, invoice };
}

function deferredLine(invoice: string, revenue: string, amountMinor: bigint): JournalLine {
  return { account: { number: '2400' }, amountMinor, invoice, revenue };
}

function taxLine(invoice: string, name: string, amountMinor: bigint): JournalLine {
  return { account: taxAccount(name), amountMinor, invoice };
}

function creditLine({ patient, source, amountMinor }: CreditMoved, sign: 1n | -1n): JournalLine {
  return { ...ofPatient('2100', patient), amountMinor: sign * amountMinor, credit: source };
}

function ofPatient(number: string, patient: string | undefined): Pick<JournalLine, 'account' | 'party'> {
  return patient === undefined ? { account: { number } } : { account: { number, sub: patient }, party: patient };
}

function moneyLine(money: MoneyMoved, sign: 1n | -1n): JournalLine {
  return { account: moneyAccount(money), amountMinor: sign * money.amountMinor };
}

function withoutZeros(lines: readonly JournalLine[]): JournalLine[] {
  return lines.filter(({ amountMinor }) => amountMinor !== 0n);
}
