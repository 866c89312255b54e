// Takes postings back by their exact mirror; nothing is ever changed or removed (domain.md 3.3, I9).

import type { Session } from '../../repository/session.ts';
import type { JournalLine, PostedJournal } from './journal.ts';
import type { Posting } from './journal-chain.ts';
import { lockMoney } from './lock-money.ts';
import { postPostings } from './post-journal.ts';
import { type StoredJournal, type StoredLine, storedJournals } from './stored-journals.ts';

/** Postings by their ids, or all that follow from a resource, `PaymentReconciliation/1`, whatever its version. */
export type Reversed = { readonly ids: readonly string[] } | { readonly source: string };

export interface ReversalFacts {
  readonly businessDate: string;
  /** `PaymentReconciliation/1/_history/2`: what the reversal follows from. */
  readonly source: string;
  /** A code such as `void`. */
  readonly reason: string;
  /** Instead of the one that the journal has: it is taken back elsewhere. */
  readonly drawer?: string;
}

/** What was reversed before is not reversed again, and gives its reversal back. The caller holds `lockMoney`. */
export async function reverseJournal(
  session: Session,
  reversed: Reversed,
  facts: ReversalFacts,
): Promise<PostedJournal[]> {
  lockMoney(session);
  const journals = await storedJournals(session, await idsOf(session, reversed));
  // Behind each other as they were posted, so that the last is taken back first.
  const backwards = [...journals].sort((a, b) => Number(b.seq - a.seq));
  return await postPostings(
    session,
    backwards.map((journal) => mirrorOf(journal, facts)),
  );
}

async function idsOf({ trx }: Session, reversed: Reversed): Promise<readonly string[]> {
  if ('ids' in reversed) return reversed.ids;
  const [type, id] = reversed.source.split('/');
  const rows = await trx.query<{ id: string }>({
    name: 'journals-of-source',
    text: `SELECT id FROM ledger_transaction WHERE source_type = $1 AND source_id = $2 AND reverses_id IS NULL`,
    values: [type, id],
  });
  return rows.map((row) => row.id);
}

function mirrorOf(journal: StoredJournal, { businessDate, source, reason, drawer: elsewhere }: ReversalFacts): Posting {
  const { id, mirrors, subject, method, lines } = journal;
  const drawer = elsewhere ?? journal.drawer;
  if (journal.reverses !== '') throw new RangeError('A reversal is not reversed.');
  return {
    type: 'REVERSAL',
    mirrors,
    businessDate,
    source,
    idempotencyKey: `reverses ${id}`,
    currency: (lines[0] as StoredLine).currency,
    ...(subject !== '' && { subject }),
    reverses: id,
    reason,
    lines: lines.map(mirrorLine),
    facts: { ...(method !== '' && { method }), ...(drawer !== '' && { drawer }) },
  };
}

function mirrorLine(line: StoredLine): JournalLine {
  const { number, sub, amountMinor, party, invoice, revenue, credit } = line;
  return {
    account: { number, ...(sub !== '' && { sub }) },
    amountMinor: -amountMinor,
    ...(party !== '' && { party }),
    ...(invoice !== '' && { invoice }),
    ...(revenue !== '' && { revenue }),
    ...(credit !== '' && { credit }),
  };
}
