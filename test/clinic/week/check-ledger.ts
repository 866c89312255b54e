// The ledger by itself: I1 to I4 and I9 of domain.md 3.5.

import type { Account } from '@medplum/fhirtypes';
import { referenceTo, type Stored } from '../payments/till.ts';
import { type Books, centsOf, extensionOf, sumOf } from './books.ts';
import { type Entry, type Journal, type LedgerView, total } from './ledger-view.ts';

export function* checkLedger(books: Books, ledger: LedgerView): Generator<string> {
  for (const journal of ledger.journals) yield* checkJournal(journal);
  for (const [key, entries] of Map.groupBy(ledger.entries, ({ account, currency }) => `${account} ${currency}`)) {
    yield* checkRunning(key, entries);
  }
  yield* checkBalances(books.accounts, ledger);
  yield* checkReversals(ledger);
  yield* checkSources(books, ledger);
}

/** Nothing is posted of what is not there. */
function* checkSources({ invoices, payments }: Books, ledger: LedgerView): Generator<string> {
  const known = new Set([...invoices, ...payments].map(referenceTo));
  for (const { id, source } of ledger.journals)
    if (!known.has(source)) yield `I11: Basic/${id} is of ${source}, which cannot be found`;
}

/** I1. */
function* checkJournal({ id, entries }: Journal): Generator<string> {
  if (entries.length < 2) yield `I1: Basic/${id} has ${entries.length} entries`;
  for (const [currency, ofOne] of Map.groupBy(entries, (entry) => entry.currency)) {
    // A NaN is no zero either.
    if (total(ofOne) !== 0) yield `I1: Basic/${id} sums to ${total(ofOne)} ${currency}`;
  }
}

/** I3. */
function* checkRunning(key: string, entries: readonly Entry[]): Generator<string> {
  let balance = 0;
  for (const [index, entry] of entries.toSorted((a, b) => a.seq - b.seq).entries()) {
    if (entry.seq !== index + 1) return yield `I3: ${key}: entry ${index + 1} has the number ${entry.seq}`;
    balance += entry.cents;
    if (entry.balanceAfter !== balance) {
      return yield `I3: ${key}: after entry ${entry.seq} stands ${entry.balanceAfter} and not ${balance}`;
    }
  }
}

/** I2 and I4: an Account shows its own entries and those of the accounts below it. */
function* checkBalances(accounts: readonly Stored<Account>[], ledger: LedgerView): Generator<string> {
  const posted = new Map<string, number>();
  const parents = new Map(accounts.map(({ id, partOf }) => [`Account/${id}`, partOf?.reference]));
  for (const { account, cents } of ledger.entries) {
    if (!parents.has(account)) yield `I4: ${account} has entries and cannot be found`;
    for (let at: string | undefined = account; at !== undefined; at = parents.get(at)) {
      posted.set(at, (posted.get(at) ?? 0) + cents);
    }
  }
  const roots: number[] = [];
  for (const account of accounts) {
    const shown = centsOf(extensionOf(account, 'closing-balance')?.valueMoney);
    const expected = posted.get(`Account/${account.id}`) ?? 0;
    if (shown !== expected) yield `I4: Account/${account.id} shows ${shown}, its entries sum to ${expected}`;
    const balance = account.extension?.find(({ url }) => url.endsWith('/extension-Account.balance'));
    const found = centsOf(balance?.extension?.find(({ url }) => url === 'amount')?.valueMoney);
    if (found !== expected) yield `42: Account/${account.id} is found with ${found}, its entries sum to ${expected}`;
    if (account.partOf === undefined) roots.push(shown);
  }
  if (sumOf(roots) !== 0) yield `I2: the trial balance is ${sumOf(roots)} and not 0`;
}

/** I9. */
function* checkReversals(ledger: LedgerView): Generator<string> {
  const reversed = new Set<string>();
  for (const { id, type, reverses, entries } of ledger.journals) {
    if ((type === 'REVERSAL') !== (reverses !== undefined)) yield `I9: Basic/${id} is ${type} and reverses ${reverses}`;
    if (reverses === undefined) continue;
    if (reversed.has(reverses)) yield `I9: Basic/${reverses} is reversed twice`;
    reversed.add(reverses);
    const original = ledger.find(reverses);
    if (!original) yield `I9: Basic/${id} reverses Basic/${reverses}, which cannot be found`;
    const pair = [...entries, ...(original?.entries ?? [])];
    for (const [account, both] of Map.groupBy(pair, (entry) => entry.account)) {
      if (total(both) !== 0) yield `I9: Basic/${id} and what it reverses leave ${total(both)} in ${account}`;
    }
  }
}
