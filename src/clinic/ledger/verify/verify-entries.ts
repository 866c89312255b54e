// Recomputes a tenant's ledger from its entries and throws what is not so at the first place (domain.md 3.5).

import type { Session } from '../../../repository/session.ts';
import { checkAccounts, checkRollups } from './check-accounts.ts';
import { checkCredits } from './check-credits.ts';
import { checkInvoices } from './check-invoices.ts';
import { checkWalls } from './check-walls.ts';
import type { Progress } from './difference.ts';
import { type WalkedChain, walkChain } from './walk-chain.ts';

/** Throws a `LedgerDifference`. What is posted meanwhile is a difference too, unless the session sees one moment. */
export async function verifyEntries(session: Session, progress: Progress): Promise<WalkedChain> {
  await checkWalls(session);
  const chain = await walkChain(session, progress);
  await checkAccounts(session, progress);
  await checkRollups(session, chain);
  await checkInvoices(session, progress);
  await checkCredits(session, progress);
  return chain;
}
