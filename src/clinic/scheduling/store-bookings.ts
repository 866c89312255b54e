// Effect: the rows of the times that Appointments hold follow the Appointments in the same transaction.

import type { Session } from '../../repository/session.ts';
import type { Booking } from './place-visits.ts';

/** `freed` are the Appointments whose rows are no more true. */
export function storeBookings({ trx }: Session, freed: readonly string[], bookings: readonly Booking[]): void {
  if (freed.length > 0) {
    trx.execute({
      name: 'free-bookings',
      text: 'DELETE FROM booking WHERE appointment_id = ANY ($1::text[])',
      values: [freed],
    });
  }
  if (bookings.length === 0) return;
  trx.execute({
    name: 'insert-bookings',
    text: `INSERT INTO booking (appointment_id, actor_type, actor_id, period, overbooked, seat, before_ms, after_ms)
           SELECT appointment_id, actor_type, actor_id, tstzrange(low, high), overbooked, seat, before_ms, after_ms
           FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bool[], $7::smallint[],
               $8::integer[], $9::integer[])
             AS row (appointment_id, actor_type, actor_id, low, high, overbooked, seat, before_ms, after_ms)`,
    values: [
      bookings.map((booking) => booking.appointmentId),
      bookings.map((booking) => booking.actorType),
      bookings.map((booking) => booking.actorId),
      bookings.map((booking) => new Date(booking.low)),
      bookings.map((booking) => new Date(booking.high)),
      bookings.map((booking) => booking.overbooked),
      bookings.map((booking) => booking.seat),
      bookings.map((booking) => booking.beforeMs),
      bookings.map((booking) => booking.afterMs),
    ],
  });
}
