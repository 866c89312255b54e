// All of `npm run ledger:verify` for one tenant: the entries, and what resources say of them (domain.md 3.5).

import type { Session } from '../../../repository/session.ts';
import { checkInvoiceResources } from './check-invoice-resources.ts';
import { checkPaymentResources } from './check-payment-resources.ts';
import type { Progress } from './difference.ts';
import { verifyEntries } from './verify-entries.ts';
import type { WalkedChain } from './walk-chain.ts';

/** Throws a `LedgerDifference` at the first one. */
export async function verifyLedger(session: Session, progress: Progress): Promise<WalkedChain> {
  const chain = await verifyEntries(session, progress);
  await checkInvoiceResources(session, progress);
  await checkPaymentResources(session, progress);
  return chain;
}
