// One page of a history, newest versions first, with the total and the time it is complete to: https://hl7.org/fhir/R4/http.html#history

import type { Statement } from '../database/statement.ts';
import { fhirError, type Issue, notFound } from '../fhir/outcome.ts';
import { auditEventType } from './audit-rows.ts';
import { openHistoryCursor, sealHistoryCursor } from './history-cursor.ts';
import type { HistoryCount, HistoryCursor, HistoryRequest, HistoryRow, HistorySource } from './history-source.ts';
import { redactChanges } from './redact-changes.ts';
import { rowsOf } from './row-access.ts';
import type { Session } from './session.ts';
import { openVersion, type StoredVersion } from './stored-version.ts';
import { archivedEvent, archivedRest } from './tell-archived.ts';
import { isPlainlyVisible, isVisible } from './visible.ts';

export interface HistoryPage {
  readonly versions: readonly StoredVersion[];
  /** Absent where there are too many to count. */
  readonly total: number | undefined;
  /**
   * Every version before this time is in the answer. Later ones may be as well, and may be missing: their transaction is
   * still open. Whoever asks again with `_since` this time misses nothing. Absent for an instance, whose versions are
   * numbered without gaps.
   */
  readonly completeTo: Date | undefined;
  readonly nextCursor: string | undefined;
  /** What of it is not in the database any more. */
  readonly archived?: Issue | undefined;
}

/** A total that is asked for alone is exact up to so many or too costly. */
const exactTotalMax = 100_000;
/** Bodies of a page; behind so many a page ends early. */
const pageBytesMax = 32_000_000;
/**
 * A version's time is taken before its transaction begins, while it is validated, and by the clock of another machine: it is
 * never older by more than this.
 */
const writeDelaySeconds = 30;

/** Throws 404 where the source says that there is nothing to have a history, and 400 for a cursor that is not ours. */
export async function history(session: Session, request: HistoryRequest, source: HistorySource): Promise<HistoryPage> {
  const { count, cursor } = request;
  const start = cursor === undefined ? undefined : openHistoryCursor(session, request, cursor);
  // In one message, in this order: what has ended before versions are read is in sight of who reads them.
  const beginning = start ?? begin(session, request, source);
  const rows = count === 0 ? [] : session.trx.query<HistoryRow>(source.page(count + 1, start?.position));
  const { completeToMs } = await beginning;
  const { versions, openedCount, position } = await openPage(session, await rows, count, request.id === '' ? 's' : 'r');
  for (const version of versions) session.notes?.show(version);
  const total = await wholeTotal();
  return {
    versions: await redactChanges(session, versions),
    total,
    archived: position ? undefined : await archivedRest(session, request, versions),
    completeTo: completeToMs === undefined ? undefined : new Date(completeToMs),
    nextCursor: position && sealHistoryCursor(session, request, { position, completeToMs, total }),
  };

  async function wholeTotal(): Promise<number | undefined> {
    // What the caller may not see must not be counted either, and only what is opened tells: security.md 36.
    if (isPartial(session, request)) return start || position || count === 0 ? undefined : versions.length;
    if (start && count > 0) return start.total;
    return await totalOf(session, source, count, position ? undefined : openedCount);
  }
}

/** True where there may be versions that the caller cannot see by a rule on rows. */
function isPartial(session: Session, { type, id }: HistoryRequest): boolean {
  return type === '' ? session.denials !== undefined : rowsOf(session, id === '' ? 's' : 'r', type) !== undefined;
}

async function begin(
  session: Session,
  { type, id }: HistoryRequest,
  { existence }: HistorySource,
): Promise<Pick<HistoryCursor, 'completeToMs'>> {
  const existing = existence && session.trx.query(existence);
  const times = id === '' ? session.trx.query<{ complete_to: Date }>(completeTo) : undefined;
  if ((await existing)?.length === 0)
    throw (type === auditEventType && (await archivedEvent(session, id))) || notFound(type, id);
  return { completeToMs: (await times)?.[0]?.complete_to.getTime() };
}

/**
 * `lastUpdated` is set before the commit, so a version of an earlier time can appear after one of a later. The oldest open
 * transaction says how early; this role sees the times of its own.
 */
const completeTo: Statement = {
  name: 'history-complete-to',
  text: `SELECT least(clock_timestamp(), min(xact_start)) - interval '${writeDelaySeconds} s' AS complete_to
         FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user`,
};

interface OpenedPage {
  readonly versions: readonly StoredVersion[];
  /** With those that the caller may not see. */
  readonly openedCount: number;
  /** Where the next page begins; undefined on the last. */
  readonly position: HistoryCursor['position'] | undefined;
}

async function openPage(
  session: Session,
  rows: readonly HistoryRow[],
  count: number,
  permission: 'r' | 's',
): Promise<OpenedPage> {
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const passing = rows.filter(({ passes }) => passes);
  const versions: StoredVersion[] = [];
  let bytes = 0;
  let openedCount = 0;
  // One after the other: a page may be of bodies that are each as large as a body can be.
  for (const row of passing.slice(0, count)) {
    if (bytes >= pageBytesMax) break;
    const version = await openVersion(reader, row);
    bytes += version.body?.length ?? 0;
    openedCount += 1;
    if (isPlainlyVisible(session, version, permission) || (await isVisible(session, version, permission)))
      versions.push(version);
  }
  const last = openedCount < passing.length ? passing[openedCount - 1] : rows.find(({ passes }) => !passes);
  return { versions, openedCount, position: last && positionOf(last) };
}

function positionOf(row: HistoryRow): HistoryCursor['position'] {
  return { lastUpdatedMs: row.last_updated.getTime(), type: row.type, id: row.id, versionId: row.version_id };
}

/** `all` there are where the page holds them; what the caller may not see counts, as it does in a search. */
async function totalOf(
  session: Session,
  source: HistorySource,
  count: number,
  all: number | undefined,
): Promise<number | undefined> {
  if (count > 0) return all ?? (await countUpTo(session, source, source.totalMax));
  const total = await countUpTo(session, source, exactTotalMax);
  if (total !== undefined) return total;
  throw fhirError('too-costly', `There are more than ${exactTotalMax} versions to count; ask with a later _since.`);
}

async function countUpTo(session: Session, source: HistorySource, max: number): Promise<number | undefined> {
  const [counted] = await session.trx.query<HistoryCount>(source.count(max));
  return counted && counted.examined <= max ? counted.total : undefined;
}
