// What postings change of the Invoices they are about (domain.md 3.5 I6, I14).

import type { Currency } from '../../fhir/money.ts';
import type { InvoiceBalance } from './invoice-balances.ts';
import type { LedgerType } from './journal.ts';
import type { ChainedJournal, ChainedLine } from './journal-chain.ts';

export interface InvoiceChange extends InvoiceAmounts {
  readonly invoice: string;
  readonly currency: Currency;
  /** Counts for an Invoice's first posting, its charge. */
  readonly basis: InvoiceBalance['basis'];
  readonly practitioner: string;
  readonly department: string;
}

export type InvoiceLine = Pick<ChainedLine, 'account' | 'amountMinor' | 'revenue'>;

export interface InvoiceAmounts {
  grossMinor: bigint;
  paidMinor: bigint;
  creditedMinor: bigint;
  writtenOffMinor: bigint;
  outstandingMinor: bigint;
  /** By `deferred/4000`, `recognised/4000`, `tax/VAT`. */
  readonly parts: Map<string, bigint>;
}

/** In the order of the ids, each Invoice once. */
export function invoiceChanges(journals: readonly ChainedJournal[]): InvoiceChange[] {
  const changes = new Map<string, InvoiceChange>();
  for (const journal of journals) {
    for (const line of journal.lines) {
      if (line.invoice === undefined) continue;
      const change = changes.get(line.invoice) ?? newChange(journal, line, line.invoice);
      changes.set(line.invoice, change);
      addLine(change, line, journal.posting.mirrors ?? journal.posting.type);
    }
  }
  return [...changes.values()].sort((a, b) => (a.invoice < b.invoice ? -1 : 1));
}

function newChange({ posting, lines }: ChainedJournal, line: ChainedLine, invoice: string): InvoiceChange {
  const { currency } = posting;
  const { practitioner, department } = line;
  const isDeferred = lines.some(({ account, invoice: other }) => account.number === '2400' && other === invoice);
  const owner = { invoice, currency, basis: isDeferred ? 'cash' : 'accrual', practitioner, department } as const;
  return { ...owner, ...noAmounts() };
}

export function noAmounts(): InvoiceAmounts {
  const amounts = { grossMinor: 0n, paidMinor: 0n, creditedMinor: 0n, writtenOffMinor: 0n, outstandingMinor: 0n };
  return { ...amounts, parts: new Map() };
}

/** `type` is what the journal is, or takes back. */
export function addLine(change: InvoiceAmounts, line: InvoiceLine, type: LedgerType): void {
  const { amountMinor } = line;
  if (isReceivable(line.account.number)) {
    change.outstandingMinor += amountMinor;
    if (type === 'CHARGE') change.grossMinor += amountMinor;
    else if (type === 'ADJUSTMENT') change.creditedMinor -= amountMinor;
    else if (type === 'WRITE_OFF') change.writtenOffMinor -= amountMinor;
    else change.paidMinor -= amountMinor;
    return;
  }
  const key = partKey(line);
  if (key !== undefined) change.parts.set(key, (change.parts.get(key) ?? 0n) - amountMinor);
}

export function isReceivable(number: string): boolean {
  return number === '1200' || number === '1210';
}

/** 4000 to 4199: revenue, discounts and contractual adjustments. */
export function isRevenue(number: string): boolean {
  return number.startsWith('40') || number.startsWith('41');
}

function partKey({ account, revenue = '' }: InvoiceLine): string | undefined {
  if (account.number === '2400') return `deferred/${revenue}`;
  if (account.number === '2200') return `tax/${account.sub ?? ''}`;
  return isRevenue(account.number) ? `recognised/${account.number}` : undefined;
}
