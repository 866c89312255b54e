// What a posting needs to know of the ledger, within one transaction that holds the money lock: read once, and known from what it posts itself.

import type { Session } from '../../repository/session.ts';
import { TransactionMemo } from '../transaction-memo.ts';
import {
  type AccountState,
  findAccounts,
  findAccountsOfInvoices,
  stateKey,
  type WantedAccount,
} from './account-rows.ts';
import type { ChainHead, RevenueOwner } from './chain-journals.ts';
import type { PostedJournal } from './journal.ts';
import type { ChainedJournal, Posting } from './journal-chain.ts';

export interface KnownLedger {
  /** By idempotency key those that were posted before. */
  readonly posted: ReadonlyMap<string, PostedJournal>;
  readonly head: ChainHead;
  /** By `stateKey` those that are there, with the accounts of the chart that they are below. */
  readonly accounts: ReadonlyMap<string, AccountState>;
  readonly owners: ReadonlyMap<string, RevenueOwner>;
}

/** What has to be known of a posting before it is made. */
export type ForeseenPosting = Pick<Posting, 'idempotencyKey' | 'currency' | 'lines'>;

const posted = new TransactionMemo<PostedJournal>();
const heads = new TransactionMemo<ChainHead>();
const accounts = new TransactionMemo<AccountState>();
const owners = new TransactionMemo<RevenueOwner>();

interface Wanted {
  /** Idempotency keys. */
  readonly keys: readonly string[];
  readonly accounts: readonly WantedAccount[];
  /** Ids. */
  readonly invoices: readonly string[];
}

/** The caller holds `lockMoney`. */
export function knownLedger(session: Session, postings: readonly ForeseenPosting[]): Promise<KnownLedger> {
  return read(session, wantedBy(postings));
}

/** Asks for it in the next message; whoever posts finds it there. The caller holds `lockMoney`. */
export function foreseePostings(session: Session, postings: readonly ForeseenPosting[]): void {
  if (postings.length > 0) foreseeLedger(session, wantedBy(postings));
}

/** As `foreseePostings`, where more is known of what will be wanted than of the postings themselves. */
export function foreseeLedger(session: Session, wanted: Wanted): void {
  // A failure is told to whoever needs what it was asked for.
  read(session, wanted).catch(() => undefined);
}

/** Asks for the accounts that a settlement of these Invoices will be posted to. */
export function foreseeSettlement(session: Session, invoices: readonly string[], currency: string): void {
  findAccountsOfInvoices(session, invoices, currency).then(
    (found) => accounts.note(session, found),
    () => undefined,
  );
}

async function read(session: Session, { keys, accounts: wanted, invoices }: Wanted): Promise<KnownLedger> {
  const byKey = new Map(wanted.flatMap(withControl).map((account) => [stateKey(account), account]));
  const [known, found, last, owned] = await Promise.all([
    posted.read(session, keys, (unread) => findPosted(session, unread)),
    accounts.read(session, [...byKey.keys()], (unread) => {
      const unknown = unread.flatMap((key) => byKey.get(key) ?? []);
      return findAccounts(session, unknown);
    }),
    heads.read(session, [head], () => readHead(session)),
    owners.read(session, invoices, (unread) => readOwners(session, unread)),
  ]);
  return { posted: known, accounts: found, head: last.get(head) ?? firstOfAll, owners: owned };
}

/** An account is opened below the one of the chart. */
function withControl({ number, sub, currency }: WantedAccount): WantedAccount[] {
  const control = { number, currency };
  return sub === undefined ? [control] : [{ ...control, sub }, control];
}

function wantedBy(postings: readonly ForeseenPosting[]): Wanted {
  const lines = postings.flatMap(({ lines, currency }) => lines.map((line) => ({ ...line, currency })));
  return {
    keys: postings.map(({ idempotencyKey }) => idempotencyKey),
    accounts: lines.map(({ account, currency }) => ({ ...account, currency })),
    invoices: lines.flatMap(({ invoice }) => invoice ?? []),
  };
}

/** To be told by whoever inserts them. */
export function keepPosted(session: Session, journals: readonly ChainedJournal[]): void {
  const last = journals.at(-1);
  if (!last) return;
  const lines = journals.flatMap((journal) => journal.lines.map((line) => ({ ...line, ...journal.posting })));
  heads.keep(session, [[head, last]]);
  posted.keep(
    session,
    journals.map(({ id, seq, posting }) => [posting.idempotencyKey, { id, seq: Number(seq), isReplay: true }]),
  );
  accounts.keep(
    session,
    lines.map(({ state, currency }) => [stateKey({ ...state, currency }), state]),
  );
  owners.keep(
    session,
    lines.flatMap(({ invoice, practitioner, department }) =>
      invoice === undefined ? [] : [[invoice, { practitioner, department }]],
    ),
  );
}

const head = 'head';
const firstOfAll: ChainHead = { seq: 0n, hash: Buffer.alloc(0) };

async function findPosted({ trx }: Session, keys: readonly string[]): Promise<Map<string, PostedJournal>> {
  const rows = await trx.query<{ key: string; id: string; seq: string }>({
    name: 'find-posted',
    text: `SELECT idempotency_key AS key, id, seq::text AS seq FROM ledger_transaction WHERE idempotency_key = ANY ($1::text[])`,
    values: [keys],
  });
  return new Map(rows.map(({ key, id, seq }) => [key, { id, seq: Number(seq), isReplay: true }]));
}

async function readHead({ trx }: Session): Promise<Map<string, ChainHead>> {
  const rows = await trx.query<{ seq: string; hash: Buffer }>({
    name: 'read-ledger-head',
    text: 'SELECT head.seq::text AS seq, head.hash FROM ledger_transaction head ORDER BY head.seq DESC LIMIT 1',
  });
  return new Map(rows.map(({ seq, hash }) => [head, { seq: BigInt(seq), hash }]));
}

async function readOwners({ trx }: Session, invoices: readonly string[]): Promise<Map<string, RevenueOwner>> {
  const rows = await trx.query<RevenueOwner & { invoice: string }>({
    name: 'read-revenue-owners',
    text: 'SELECT invoice_id AS invoice, practitioner, department FROM ledger_invoice WHERE invoice_id = ANY ($1::text[])',
    values: [invoices],
  });
  return new Map(rows.map(({ invoice, practitioner, department }) => [invoice, { practitioner, department }]));
}
