// Posts journals: typed rows and their Basic resources in the session's transaction (domain.md 3.2, contract.md 41).

import { exactAmounts } from '../../fhir/money.ts';
import type { WriteIntent } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import { type AccountState, findAccounts, stateKey, type WantedAccount } from './account-rows.ts';
import { type ChainHead, chainJournals, type RevenueOwner } from './chain-journals.ts';
import { insertJournals } from './insert-journals.ts';
import type { JournalEntry, PostedJournal } from './journal.ts';
import type { ChainedJournal, Posting } from './journal-chain.ts';
import { keepBalances } from './keep-balances.ts';
import { ledgerBasic } from './ledger-basic.ts';
import { lockMoney } from './lock-money.ts';
import { openAccounts } from './open-accounts.ts';
import { requireSound } from './require-sound.ts';
import { serverSession } from './server-session.ts';

/**
 * In the order of the entries. The caller holds `lockMoney`. An idempotency key that was posted before posts nothing and gives
 * the first posting back.
 */
export async function postJournal(session: Session, entries: readonly JournalEntry[]): Promise<PostedJournal[]> {
  return await postPostings(session, entries);
}

export async function postPostings(given: Session, postings: readonly Posting[]): Promise<PostedJournal[]> {
  const session = serverSession(given);
  if (postings.length === 0) return [];
  for (const posting of postings) requireSound(posting);
  // A caller who holds it waits for nothing; one who forgot it is not let in beside others.
  lockMoney(session);
  const [posted, head, found, owners] = await Promise.all([
    findPosted(session, postings),
    readHead(session),
    findAccounts(session, wantedBy(postings)),
    readOwners(session, postings),
  ]);
  const fresh = postings.filter(
    ({ idempotencyKey: key }, index) =>
      !posted.has(key) && postings.findIndex(({ idempotencyKey }) => idempotencyKey === key) === index,
  );
  for (const journal of await postFresh(session, fresh, { head, found, owners })) {
    const { id, seq, posting } = journal;
    posted.set(posting.idempotencyKey, { id, seq: Number(seq), isReplay: false });
  }
  return postings.map(({ idempotencyKey }) => posted.get(idempotencyKey) as PostedJournal);
}

interface Known {
  readonly head: ChainHead;
  readonly found: ReadonlyMap<string, AccountState>;
  readonly owners: ReadonlyMap<string, RevenueOwner>;
}

async function postFresh(session: Session, fresh: readonly Posting[], known: Known): Promise<ChainedJournal[]> {
  if (fresh.length === 0) return [];
  const accounts = await openAccounts(session, wantedBy(fresh), known.found);
  const journals = chainJournals(session, fresh, { ...known, accounts });
  insertJournals(session, journals);
  const kept = keepBalances(session, journals);
  // A refusal is told once nothing more of this is to be sent: the transaction ends with it.
  kept.catch(() => undefined);
  await writeOwn(session, journals.map(basicIntent));
  await kept;
  return journals;
}

function basicIntent({ id, posting, lines, source }: ChainedJournal): WriteIntent {
  const { type, businessDate, subject = '', reverses = '', currency } = posting;
  const resource = ledgerBasic({
    ...{ id, type, businessDate, subject, reverses },
    source: `${source.type}/${source.id}/_history/${source.version}`,
    lines: lines.map((line) => ({
      ...{ number: line.state.number, accountId: line.state.accountId, currency, amountMinor: line.amountMinor },
      ...{ balanceAfterMinor: line.balanceAfterMinor, accountSeq: line.accountSeq },
      ...{ party: line.party ?? '', invoice: line.invoice ?? '' },
    })),
  });
  return { action: 'create', id, resource, exactNumbers: exactAmounts(resource) };
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

async function findPosted({ trx }: Session, postings: readonly Posting[]): Promise<Map<string, PostedJournal>> {
  const rows = await trx.query<{ key: string; id: string; seq: string }>({
    name: 'find-posted',
    text: `SELECT idempotency_key AS key, id, seq::text AS seq FROM ledger_transaction WHERE idempotency_key = ANY ($1::text[])`,
    values: [postings.map(({ idempotencyKey }) => idempotencyKey)],
  });
  return new Map(rows.map(({ key, id, seq }) => [key, { id, seq: Number(seq), isReplay: true }]));
}

async function readHead({ trx }: Session): Promise<ChainHead> {
  const [row] = await trx.query<{ seq: string; hash: Buffer }>({
    name: 'read-ledger-head',
    text: 'SELECT head.seq::text AS seq, head.hash FROM ledger_transaction head ORDER BY head.seq DESC LIMIT 1',
  });
  return row ? { seq: BigInt(row.seq), hash: row.hash } : { seq: 0n, hash: Buffer.alloc(0) };
}

async function readOwners({ trx }: Session, postings: readonly Posting[]): Promise<Map<string, RevenueOwner>> {
  const invoices = new Set(postings.flatMap(({ lines }) => lines.flatMap(({ invoice }) => invoice ?? [])));
  if (invoices.size === 0) return new Map();
  const rows = await trx.query<RevenueOwner & { invoice: string }>({
    name: 'read-revenue-owners',
    text: 'SELECT invoice_id AS invoice, practitioner, department FROM ledger_invoice WHERE invoice_id = ANY ($1::text[])',
    values: [[...invoices]],
  });
  return new Map(rows.map(({ invoice, practitioner, department }) => [invoice, { practitioner, department }]));
}
