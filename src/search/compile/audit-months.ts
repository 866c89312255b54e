// AuditEvents lie in one partition a month, and in the order of their time: a search of some months does not even plan the others, and one of
// some days reads these alone.

import type { MillisecondRange } from '../../fhir/dates.ts';
import type { SortedConditions } from './candidates.ts';
import { sharedWindow, windowOf } from './condition.ts';

/** Within these, months have texts that PostgreSQL reads, and beyond there are no AuditEvents. */
const [firstYear, lastYear] = [1900, 9998];

/**
 * Of a longer time the months are named: of each page of it that has a match, the index on times (migration 0049) has all events looked
 * at, which is worth it where most of the month's matches are left unread.
 */
const exactMaxMs = 8 * 86_400_000;

/**
 * What FROM reads of AuditEvents: all, or those of the time that the conditions on it leave, or of its months, as constants. As
 * bound values they would keep months from being read but not from being planned, which takes longer than reading one does
 * (https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITION-PRUNING), and say nothing of how much there is.
 */
export function auditRows(conditions: Pick<SortedConditions, 'lastUpdated'>): string {
  const { low, high } = windowOfTimes(conditions);
  const isExact = high - low <= exactMaxMs;
  const bounds = [
    ...(isKnown(low) ? [`last_updated >= ${momentText(isExact ? low : monthOf(low, 0))}`] : []),
    ...(isKnown(high) ? [`last_updated < ${momentText(isExact ? high + 1 : monthOf(high, 1))}`] : []),
  ];
  return bounds.length === 0 ? 'audit_event' : `(SELECT * FROM audit_event WHERE ${bounds.join(' AND ')})`;
}

/** Everything that meets the conditions lies in it. */
export function windowOfTimes({ lastUpdated }: Pick<SortedConditions, 'lastUpdated'>): MillisecondRange {
  return sharedWindow([everything, ...lastUpdated.map(({ tests }) => widest(tests.map(windowOf)))]);
}

const everything: MillisecondRange = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** Of alternatives. */
function widest(windows: readonly MillisecondRange[]): MillisecondRange {
  return { low: Math.min(...windows.map(({ low }) => low)), high: Math.max(...windows.map(({ high }) => high)) };
}

function isKnown(ms: number): boolean {
  return ms >= Date.UTC(firstYear, 0) && ms < Date.UTC(lastYear, 0);
}

/** The first moment of the month, or of one so many after it. */
function monthOf(ms: number, after: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + after);
}

function momentText(ms: number): string {
  return `timestamptz '${new Date(ms).toISOString()}'`;
}
