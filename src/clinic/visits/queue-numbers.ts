// The numbers of a practitioner's queue of a day: from 1, without gaps, for a write that fails gives its number back (contract.md 15).

import type { Session } from '../../repository/session.ts';
import type { VisitRow } from './visit-rows.ts';

/** The next numbers of their queues, by Appointment, in the order of the visits. Others wait until the transaction is over. */
export async function takeNumbers({ trx }: Session, visits: readonly VisitRow[]): Promise<ReadonlyMap<string, number>> {
  const queued = visits.filter(({ localDate }) => localDate !== null);
  if (queued.length === 0) return new Map();
  const rows = await trx.query<{ practitioner: string; localDate: string; lastNumber: number }>({
    name: 'take-queue-numbers',
    text: `INSERT INTO queue_counter (practitioner, local_date, last_number)
           SELECT practitioner, local_date, count(*)
           FROM unnest($1::text[], $2::date[]) AS wanted (practitioner, local_date)
           GROUP BY practitioner, local_date ORDER BY practitioner COLLATE "C", local_date
           ON CONFLICT (tenant_id, practitioner, local_date)
             DO UPDATE SET last_number = queue_counter.last_number + excluded.last_number
           RETURNING practitioner, local_date::text AS "localDate", last_number AS "lastNumber"`,
    values: [queued.map(({ practitioner }) => practitioner), queued.map((visit) => visit.localDate)],
  });
  const next = new Map(rows.map((row) => [keyOf(row), row.lastNumber]));
  const numbers = new Map<string, number>();
  for (const visit of queued.toReversed()) {
    const key = keyOf(visit);
    const number = next.get(key) as number;
    numbers.set(visit.appointmentId, number);
    next.set(key, number - 1);
  }
  return numbers;
}

function keyOf({ practitioner, localDate }: Pick<VisitRow, 'practitioner' | 'localDate'>): string {
  return `${localDate} ${practitioner}`;
}
