// Recomputes a clinic from its resources, as a reader who has only the HTTP API, and names the first difference: domain.md 3.5, contract.md 11 to 45.

import { type Books, type Requester, readBooks } from './books.ts';
import { checkInvoices } from './check-invoices.ts';
import { checkLedger } from './check-ledger.ts';
import { checkNumbers } from './check-numbers.ts';
import { checkPayments } from './check-payments.ts';
import { checkVisits } from './check-visits.ts';
import { LedgerView } from './ledger-view.ts';

/** Undefined where everything agrees. Nothing may be under way. */
export async function checkWeek(clinic: Requester): Promise<string | undefined> {
  return firstDifference(await readBooks(clinic));
}

export function firstDifference(books: Books): string | undefined {
  const ledger = new LedgerView(books);
  const checks = [
    checkLedger(books, ledger),
    checkInvoices(books, ledger),
    checkPayments(books, ledger),
    checkVisits(books),
    checkNumbers(books),
  ];
  for (const check of checks) for (const difference of check) return difference;
  return undefined;
}
