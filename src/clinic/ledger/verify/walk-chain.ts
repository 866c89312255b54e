// Every transaction in the order of posting: its hash and its predecessor's, its sum, its mirror, its Basic resource (I1, I9, I16).

import { parseJson, serializeJson } from '../../../fhir/json.ts';
import type { Session } from '../../../repository/session.ts';
import { openVersion, type VersionRow, versionColumns } from '../../../repository/stored-version.ts';
import { hashJournal } from '../journal-chain.ts';
import { ledgerBasic } from '../ledger-basic.ts';
import { type Sums, sumDays, sumFacts } from '../rollup-changes.ts';
import { nextJournals, type StoredJournal, storedJournals } from '../stored-journals.ts';
import { LedgerDifference, type Progress } from './difference.ts';

/** What the whole chain comes to. */
export interface WalkedChain {
  readonly headSeq: bigint;
  readonly headHash: string;
  readonly lines: number;
  readonly days: Sums;
  readonly facts: Sums;
}

const perStep = 500;

export async function walkChain(session: Session, progress: Progress): Promise<WalkedChain> {
  const days: Sums = new Map();
  const facts: Sums = new Map();
  let [seq, hash, lines] = [0n, Buffer.alloc(0) as Buffer, 0];
  for (;;) {
    const journals = await nextJournals(session, seq, perStep);
    for (const journal of journals) {
      checkPlace(journal, seq, hash);
      checkSums(journal);
      sumDays(days, journal);
      sumFacts(facts, journal);
      ({ seq, hash } = journal);
      lines += journal.lines.length;
    }
    await checkMirrors(session, journals);
    await checkShown(session, journals);
    if (journals.length < perStep) return { headSeq: seq, headHash: hash.toString('hex'), lines, days, facts };
    progress('transactions', Number(seq));
  }
}

/** `NUMBER:HASH` of a transaction, as an earlier run gave it. */
export async function requireAnchor({ trx }: Session, anchor: string): Promise<void> {
  const [seq, hash] = anchor.split(':');
  const [row] = await trx.query<{ hash: string }>({
    name: 'ledger-anchor',
    text: `SELECT encode(hash, 'hex') AS hash FROM ledger_transaction WHERE seq = $1`,
    values: [seq],
  });
  if (row?.hash === hash) return;
  throw new LedgerDifference(
    'I16',
    `Transaction ${seq} is ${row ? 'not the one' : 'missing, and was there at the time'} of the anchor.`,
  );
}

function checkPlace(journal: StoredJournal, lastSeq: bigint, lastHash: Buffer): void {
  if (journal.seq !== lastSeq + 1n) throw new LedgerDifference('I16', `Transaction ${lastSeq + 1n} is missing.`);
  if (!journal.prevHash.equals(lastHash)) {
    throw new LedgerDifference(
      'I16',
      `Transaction ${journal.seq} does not follow transaction ${lastSeq} as it is now.`,
    );
  }
  if (!hashJournal(journal).equals(journal.hash)) {
    throw new LedgerDifference('I16', `Transaction ${journal.seq} (Basic/${journal.id}) is not as it was posted.`);
  }
}

function checkSums({ seq, lines }: StoredJournal): void {
  if (lines.length < 2) throw new LedgerDifference('I1', `Transaction ${seq} has fewer than two lines.`);
  const sums = new Map<string, bigint>();
  for (const { currency, amountMinor } of lines) sums.set(currency, (sums.get(currency) ?? 0n) + amountMinor);
  for (const [currency, sum] of sums) {
    if (sum !== 0n) throw new LedgerDifference('I1', `Transaction ${seq} sums to ${sum} ${currency}.`);
  }
}

async function checkMirrors(session: Session, journals: readonly StoredJournal[]): Promise<void> {
  const reversals = journals.filter(({ reverses }) => reverses !== '');
  const originals = await storedJournals(
    session,
    reversals.map(({ reverses }) => reverses),
  );
  const byId = new Map(originals.map((journal) => [journal.id, journal]));
  for (const { seq, lines, reverses } of reversals) {
    const nets = new Map<string, bigint>();
    for (const { accountId, currency, amountMinor } of [...lines, ...(byId.get(reverses)?.lines ?? [])]) {
      const key = `${accountId} ${currency}`;
      nets.set(key, (nets.get(key) ?? 0n) + amountMinor);
    }
    if ([...nets.values()].some((net) => net !== 0n)) {
      throw new LedgerDifference('I9', `Transaction ${seq} does not take Basic/${reverses} back to nothing.`);
    }
  }
}

async function checkShown(session: Session, journals: readonly StoredJournal[]): Promise<void> {
  const rows = await session.trx.query<VersionRow>({
    name: 'shown-journals',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'Basic' AND id = ANY ($1::text[])`,
    values: [journals.map(({ id }) => id)],
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const journal of journals) {
    const row = byId.get(journal.id);
    if (row?.version_id === 1 && (await textOf(session, row)) === shownText(journal)) continue;
    throw new LedgerDifference(
      'shown',
      `Basic/${journal.id} does not show transaction ${journal.seq} as it is posted.`,
    );
  }
}

/** Undefined where it was deleted, or where the server itself did not write what is stored. */
async function textOf({ cipher, repository }: Session, row: VersionRow): Promise<string | undefined> {
  try {
    const { body } = await openVersion({ cipher, objectStore: repository.objectStore }, row);
    if (!body) return undefined;
    const { value, exactNumbers } = parseJson(body.toString());
    const { meta: _, ...content } = value as { meta?: object };
    return serializeJson(content, exactNumbers);
  } catch {
    return undefined;
  }
}

function shownText(journal: StoredJournal): string {
  const { type, id, version } = journal.source;
  const { resource, exactNumbers } = ledgerBasic({ ...journal, source: `${type}/${id}/_history/${version}` });
  return serializeJson(resource, exactNumbers);
}
