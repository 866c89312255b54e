// AuditEvents lie in one partition a month: a search of some months does not even plan the others.

import type { MillisecondRange } from '../../fhir/dates.ts';
import type { SortedConditions } from './candidates.ts';
import { sharedWindow, windowOf } from './condition.ts';

/** Within these, months have texts that PostgreSQL reads, and beyond there are no AuditEvents. */
const [firstYear, lastYear] = [1900, 9998];

/**
 * What FROM reads of AuditEvents: all, or those of the months that the conditions on their time leave, as constants. As bound
 * values they would keep months from being read but not from being planned, which takes longer than reading one does
 * (https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITION-PRUNING).
 */
export function auditRows({ lastUpdated }: Pick<SortedConditions, 'lastUpdated'>): string {
  const { low, high } = sharedWindow([everything, ...lastUpdated.map(({ tests }) => widest(tests.map(windowOf)))]);
  const bounds = [
    ...(isKnown(low) ? [`last_updated >= ${monthText(low, 0)}`] : []),
    ...(isKnown(high) ? [`last_updated < ${monthText(high, 1)}`] : []),
  ];
  return bounds.length === 0 ? 'audit_event' : `(SELECT * FROM audit_event WHERE ${bounds.join(' AND ')})`;
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
function monthText(ms: number, after: number): string {
  const date = new Date(ms);
  return `timestamptz '${new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + after)).toISOString()}'`;
}
