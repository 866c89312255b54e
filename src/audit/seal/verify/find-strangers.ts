// Stored AuditEvents that are in no leaf: those the sealer has not come to yet, and those that were put in behind its back.

import type { Transaction } from '../../../database/transaction.ts';
import { eventName, SealDifference } from './difference.ts';

/** The sealer needs about a second; a transaction that writes for long may end long after the time its events have. */
const patienceMs = 60_000;
const perWindow = 20_000;

/** Gives how many wait for the sealer; throws at the first that should be sealed by now. */
export async function findStrangers(trx: Transaction, now: Date, from = new Date(0)): Promise<number> {
  let waiting = 0;
  for (let low = from; ; ) {
    const high = await windowEnd(trx, low);
    const { count, first } = await strangersIn(trx, low, high);
    if (first && now.getTime() - first.lastUpdated.getTime() > patienceMs) {
      const name = eventName(first.id, first.lastUpdated);
      throw new SealDifference(
        'inserted',
        `${name} was never sealed: it was put in past the sealer, or the sealer stands still.`,
      );
    }
    waiting += count;
    if (!high) return waiting;
    low = high;
  }
}

/** Undefined behind the last event; events of one instant are never in two windows. */
async function windowEnd(trx: Transaction, low: Date): Promise<Date | undefined> {
  const rows = await trx.query<{ at: Date }>({
    name: 'audit-window',
    text: `SELECT last_updated AS at FROM audit_event WHERE last_updated >= $1 ORDER BY last_updated OFFSET $2 LIMIT 1`,
    values: [low, perWindow],
  });
  const [end] = rows;
  return end && new Date(Math.max(end.at.getTime(), low.getTime() + 1));
}

interface Strangers {
  readonly count: number;
  readonly first: { readonly id: string; readonly lastUpdated: Date } | undefined;
}

/** Set operations hash or sort: no plan of theirs compares every row with every leaf. */
async function strangersIn(trx: Transaction, low: Date, high: Date | undefined): Promise<Strangers> {
  const rows = await trx.query<{ id: string; lastUpdated: Date }>({
    name: 'unsealed-in-window',
    text: `SELECT id, last_updated AS "lastUpdated" FROM audit_event WHERE last_updated >= $1 AND last_updated < $2
           EXCEPT SELECT unnest(ids), unnest(times) FROM seal_leaves WHERE high >= $1 AND low < $2
           ORDER BY 2, 1`,
    values: [low, high ?? 'infinity'],
  });
  return { count: rows.length, first: rows[0] };
}
