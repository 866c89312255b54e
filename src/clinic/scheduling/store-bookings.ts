// Effect: the rows of the times that Appointments hold follow the Appointments in the same transaction.

import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { Booking } from './booking.ts';

export interface MovedBookings {
  readonly change: Change;
  readonly old: readonly Booking[];
  readonly bookings: readonly Booking[];
}

export function storeBookings({ trx }: Session, moved: readonly MovedBookings[]): void {
  const freed = moved.filter(({ old }) => old.length > 0).map(({ change }) => change.id);
  if (freed.length > 0) {
    trx.execute({
      name: 'free-bookings',
      text: 'DELETE FROM booking WHERE appointment_id = ANY ($1::text[])',
      values: [freed],
    });
  }
  const bookings = moved.flatMap((item) => item.bookings);
  if (bookings.length === 0) return;
  trx.execute({
    name: 'insert-bookings',
    text: `INSERT INTO booking (appointment_id, actor_type, actor_id, period, overbooked)
           SELECT appointment_id, actor_type, actor_id, tstzrange(low, high), overbooked
           FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bool[])
             AS row (appointment_id, actor_type, actor_id, low, high, overbooked)`,
    values: [
      bookings.map((booking) => booking.appointmentId),
      bookings.map((booking) => booking.actorType),
      bookings.map((booking) => booking.actorId),
      bookings.map((booking) => booking.start.toISOString()),
      bookings.map((booking) => booking.end.toISOString()),
      bookings.map((booking) => booking.overbooked),
    ],
  });
}
