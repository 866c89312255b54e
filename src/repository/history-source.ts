// What the histories of an instance, of a type and of the system have in common: the question, and where versions come from.

import type { Statement } from '../database/statement.ts';
import type { MillisecondRange } from '../fhir/dates.ts';
import type { VersionRow } from './stored-version.ts';

export interface HistoryRequest {
  /** Empty for the whole system. */
  readonly type: string;
  /** Empty for all of the type. */
  readonly id: string;
  /** Versions of a page; with 0 there is only the total. */
  readonly count: number;
  /** Only versions of this time or later. */
  readonly sinceMs?: number;
  /** Only versions that were current at some time in here. */
  readonly at?: MillisecondRange;
  readonly cursor?: string;
}

/** A version's place in the order of a history, which is newest first. */
export interface HistoryPosition {
  readonly lastUpdatedMs: number;
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
}

/** What the pages of one walk hand on: where the last one ended, and what the first one said. */
export interface HistoryCursor {
  readonly position: HistoryPosition;
  readonly completeToMs: number | undefined;
  readonly total: number | undefined;
}

/** A version that `passes` is one of the page; one that does not is the last that was looked at, further ones were not. */
export interface HistoryRow extends VersionRow {
  readonly passes: boolean;
}

/** More were `examined` than asked for where the total is not known. */
export interface HistoryCount {
  readonly total: number;
  readonly examined: number;
}

/** Where the versions of one question come from. */
export interface HistorySource {
  /** Gives no row when there is nothing to have a history. */
  readonly existence?: Statement;
  /** A total up to so many is counted, as far as it is known without counting further. */
  readonly totalMax: number;
  /** HistoryRows behind the position, newest first, `limit` that pass at most. */
  page(limit: number, after?: HistoryPosition): Statement;
  /** One HistoryCount. */
  count(max: number): Statement;
}
