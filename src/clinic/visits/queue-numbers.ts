// The numbers of a practitioner's queue of a day: from 1, without gaps, for a write that fails gives its number back (contract.md 15).

import type { Session } from '../../repository/session.ts';
import type { VisitRow } from './visit-rows.ts';

/** The last number of a queue once all who asked together have one. */
interface Counter {
  readonly practitioner: string;
  readonly localDate: string;
  readonly lastNumber: number;
}

const count = `GROUP BY practitioner, local_date ORDER BY practitioner COLLATE "C", local_date
           ON CONFLICT (tenant_id, practitioner, local_date)
             DO UPDATE SET last_number = queue_counter.last_number + excluded.last_number
           RETURNING practitioner, local_date::text AS "localDate", last_number AS "lastNumber"`;

/** The next numbers of their queues, by Appointment, in the order of the visits. Others wait until the transaction is over. */
export async function takeNumbers({ trx }: Session, visits: readonly VisitRow[]): Promise<ReadonlyMap<string, number>> {
  const queued = visits.filter(({ localDate }) => localDate !== null);
  if (queued.length === 0) return new Map();
  const counters = await trx.query<Counter>({
    name: 'take-queue-numbers',
    text: `INSERT INTO queue_counter (practitioner, local_date, last_number)
           SELECT practitioner, local_date, count(*)
           FROM unnest($1::text[], $2::date[]) AS wanted (practitioner, local_date)
           ${count}`,
    values: [queued.map(({ practitioner }) => practitioner), queued.map((visit) => visit.localDate)],
  });
  return numbersBy(counters, queued);
}

/**
 * The same for those of these Appointments that want a number by their rows: it can leave with the statement that gives the
 * rows, whose visits are told of later.
 */
export async function takeNumbersOfRows(
  { trx }: Session,
  appointmentIds: readonly string[],
): Promise<(visits: readonly VisitRow[]) => ReadonlyMap<string, number>> {
  if (appointmentIds.length === 0) return () => new Map();
  const counters = await trx.query<Counter>({
    name: 'take-queue-numbers-of-rows',
    text: `INSERT INTO queue_counter (practitioner, local_date, last_number)
           SELECT practitioner, local_date, count(*) FROM visit
           WHERE appointment_id = ANY ($1::text[]) AND local_date IS NOT NULL AND queue_number IS NULL
             AND encounter_status IS DISTINCT FROM 'finished'
           ${count}`,
    values: [appointmentIds],
  });
  return (visits) =>
    numbersBy(
      counters,
      visits.filter(({ localDate }) => localDate !== null),
    );
}

function numbersBy(counters: readonly Counter[], queued: readonly VisitRow[]): ReadonlyMap<string, number> {
  const next = new Map(counters.map((counter) => [keyOf(counter), counter.lastNumber]));
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
