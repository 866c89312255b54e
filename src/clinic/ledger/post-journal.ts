// Posts journals: typed rows and their Basic resources in the session's transaction (domain.md 3.2, contract.md 41).

import type { WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import { stateKey, type WantedAccount } from './account-rows.ts';
import { chainJournals } from './chain-journals.ts';
import { insertJournals } from './insert-journals.ts';
import type { JournalEntry, PostedJournal } from './journal.ts';
import type { ChainedJournal, Posting } from './journal-chain.ts';
import { keepBalances } from './keep-balances.ts';
import type { SettledState } from './known-balances.ts';
import { type KnownLedger, keepPosted, knownLedger } from './known-ledger.ts';
import { journalBasic } from './ledger-basic.ts';
import { lockMoney } from './lock-money.ts';
import { openAccounts } from './open-accounts.ts';
import { requirePlausible, requireSound } from './require-sound.ts';
import { serverSession } from './server-session.ts';

/** How Invoices are settled once something is posted, by id. */
export type ForeseenStates = ReadonlyMap<string, SettledState>;

/**
 * In the order of the entries. The caller holds `lockMoney`. An idempotency key that was posted before posts nothing and gives
 * the first posting back. What is foreseen is not waited for: where it comes otherwise, nothing of the transaction is done.
 */
export async function postJournal(
  session: Session,
  entries: readonly JournalEntry[],
  foreseen?: ForeseenStates,
): Promise<PostedJournal[]> {
  return await postPostings(session, entries, foreseen);
}

export async function postPostings(
  given: Session,
  postings: readonly Posting[],
  foreseen?: ForeseenStates,
): Promise<PostedJournal[]> {
  const session = serverSession(given);
  if (postings.length === 0) return [];
  for (const posting of postings) {
    requireSound(posting);
    requirePlausible(posting);
  }
  // A caller who holds it waits for nothing; one who forgot it is not let in beside others.
  lockMoney(session);
  const known = await knownLedger(session, postings);
  const posted = new Map(known.posted);
  const fresh = postings.filter(
    ({ idempotencyKey: key }, index) =>
      !posted.has(key) && postings.findIndex(({ idempotencyKey }) => idempotencyKey === key) === index,
  );
  for (const journal of await postFresh(session, fresh, known, foreseen)) {
    const { id, seq, posting } = journal;
    posted.set(posting.idempotencyKey, { id, seq: Number(seq), isReplay: false });
  }
  return postings.map(({ idempotencyKey }) => posted.get(idempotencyKey) as PostedJournal);
}

async function postFresh(
  session: Session,
  fresh: readonly Posting[],
  { head, accounts: found, owners }: KnownLedger,
  foreseen: ForeseenStates | undefined,
): Promise<ChainedJournal[]> {
  if (fresh.length === 0) return [];
  const accounts = await openAccounts(session, wantedBy(fresh), found);
  const journals = chainJournals(session, fresh, { head, owners, accounts });
  keepPosted(session, journals);
  insertJournals(session, journals);
  const kept = keepBalances(session, journals, foreseen);
  // A refusal is told once nothing more of this is to be sent: the transaction ends with it.
  kept.catch(() => undefined);
  await writeOwn(session, journals.map(basicIntent));
  await kept;
  return journals;
}

function basicIntent(journal: ChainedJournal): WriteIntent {
  return { action: 'create', id: journal.id, ...journalBasic(journal) };
}

/** Every account that a line is in, each once. */
function wantedBy(postings: readonly Posting[]): WantedAccount[] {
  const wanted = new Map<string, WantedAccount>();
  for (const { lines, currency } of postings) {
    for (const { account } of lines) {
      const one = { ...account, currency };
      wanted.set(stateKey(one), one);
    }
  }
  return [...wanted.values()];
}
