// One page of the postings of an account and of those below it, found by the last one of the page before (contract.md 43).

import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import { openVersions, type StoredVersion, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { isPlainlyVisible, isVisible } from '../../repository/visible.ts';

export interface JournalPeriod {
  /** `YYYY-MM-DD`, both inclusive. */
  readonly start: string;
  readonly end: string;
}

/** Of a posting: in the order of business dates, then of posting. */
export interface JournalPlace {
  readonly day: string;
  readonly seq: bigint;
}

export interface PageAsked {
  readonly accountId: string;
  readonly period: JournalPeriod;
  /** Empty = all. */
  readonly types: readonly string[];
  readonly after: JournalPlace;
  readonly countMost: number;
}

export interface JournalPage {
  readonly versions: readonly StoredVersion[];
  /** Behind the last one; undefined on the last page. */
  readonly next: JournalPlace | undefined;
}

/** Before the first. */
export const firstPlace: JournalPlace = { day: '0001-01-01', seq: 0n };

export async function readJournalPage(session: Session, asked: PageAsked): Promise<JournalPage> {
  const places = await readPlaces(session, asked);
  const shown = places.slice(0, asked.countMost);
  const last = shown.at(-1);
  return {
    versions: await openBasics(session, shown),
    next: places.length > shown.length && last ? { day: last.day, seq: BigInt(last.seq) } : undefined,
  };
}

interface PlaceRow {
  readonly id: string;
  readonly day: string;
  readonly seq: string;
}

/** One more than are shown, to see whether there are more. */
async function readPlaces(
  { trx }: Session,
  { accountId, period, types, after, countMost }: PageAsked,
): Promise<PlaceRow[]> {
  // One lower bound, where the index begins: numbers are from 1.
  const from = after.day < period.start ? { day: period.start, seq: 0n } : after;
  const within = `(entry.business_date, entry.seq) > ($2, $3) AND entry.business_date <= $4
    AND (cardinality($5::text[]) = 0 OR EXISTS (
      SELECT FROM ledger_transaction journal WHERE journal.id = entry.transaction_id AND journal.type = ANY ($5::text[])))`;
  const some = (where: string) => `(SELECT DISTINCT business_date, seq, transaction_id FROM ledger_entry entry
    WHERE ${where} AND ${within} ORDER BY business_date, seq LIMIT $6)`;
  return await trx.query<PlaceRow>({
    name: 'journal-places',
    text: `SELECT transaction_id AS id, business_date::text AS day, seq::text AS seq
           FROM (${some('entry.account_id = $1')} UNION ${some('entry.control_id = $1 AND entry.control_id <> entry.account_id')}) AS found
           ORDER BY business_date, found.seq LIMIT $6`,
    values: [accountId, from.day, from.seq, period.end, types, countMost + 1],
  });
}

async function openBasics(session: Session, places: readonly PlaceRow[]): Promise<StoredVersion[]> {
  if (places.length === 0) return [];
  const rows = await session.trx.query<VersionRow>({
    name: 'journal-basics',
    text: `SELECT ${versionColumns} FROM resource WHERE type = 'Basic' AND id = ANY ($1::text[])`,
    values: [places.map(({ id }) => id)],
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const versions = await openVersions(
    reader,
    places.flatMap(({ id }) => byId.get(id) ?? []),
  );
  const seen: StoredVersion[] = [];
  for (const version of versions) {
    if (isPlainlyVisible(session, version) || (await isVisible(session, version))) seen.push(version);
  }
  return seen;
}

/** As in links: it says where a page begins and nothing else, so whoever changes it only turns to another page. */
export function writePlace({ day, seq }: JournalPlace): string {
  return `${day}.${seq}`;
}

export function readPlace(text: string): JournalPlace {
  const [, day, seq] = /^(\d{4}-\d\d-\d\d)\.(\d{1,15})$/.exec(text) ?? [];
  if (day === undefined || seq === undefined || Number.isNaN(Date.parse(day))) {
    throw fhirError('invalid', 'The cursor is not one of this operation; start again without it.');
  }
  return { day, seq: BigInt(seq) };
}
