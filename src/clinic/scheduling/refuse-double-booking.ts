// Guard: a practitioner is in one place at a time. Locks come first, then the look; the exclusion constraint is the proof.

import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { Booking } from './booking.ts';

/**
 * Throws 409 when one of the bookings meets another of the same actor. `replaced` are the Appointments whose bookings go
 * away in the same transaction.
 */
export async function refuseDoubleBooking(
  session: Session,
  bookings: readonly Booking[],
  replaced: readonly string[],
): Promise<void> {
  refuseOverlapAmong(bookings);
  const strict = bookings.filter((booking) => !booking.overbooked);
  if (bookings.length === 0) return;
  lockActors(session, bookings);
  if (strict.length === 0) return;
  const [clash] = await session.trx.query<{ busy_from: Date; busy_until: Date }>({
    name: 'find-clash',
    text: `SELECT lower(booking.period) AS busy_from, upper(booking.period) AS busy_until
           FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS wanted (actor_type, actor_id, low, high)
           JOIN booking ON booking.actor_type = wanted.actor_type AND booking.actor_id = wanted.actor_id
             AND booking.period && tstzrange(wanted.low, wanted.high)
           WHERE booking.appointment_id <> ALL ($5::text[])
           ORDER BY busy_from LIMIT 1`,
    values: [
      strict.map((booking) => booking.actorType),
      strict.map((booking) => booking.actorId),
      strict.map((booking) => booking.start.toISOString()),
      strict.map((booking) => booking.end.toISOString()),
      replaced,
    ],
  });
  if (clash) throw doubleBooking(clash.busy_from, clash.busy_until);
}

/** All of the transaction's actors in one order, so that two bookings of the same people cannot deadlock. */
function lockActors(session: Session, bookings: readonly Booking[]): void {
  const actors = [...new Set(bookings.map((booking) => `${booking.actorType}/${booking.actorId}`))].sort();
  session.trx.execute({
    name: 'lock-actors',
    text: `SELECT pg_advisory_xact_lock(key) FROM (
             SELECT hashtextextended('booking ' || $1::text || ' ' || actor, 0) AS key
             FROM unnest($2::text[]) AS actor ORDER BY key) AS keys`,
    values: [String(session.trx.tenantId), actors],
  });
}

/** Two Appointments of one bundle may clash with each other. */
function refuseOverlapAmong(bookings: readonly Booking[]): void {
  const ordered = [...bookings].sort((a, b) => order(a.actorId, b.actorId) || a.start.getTime() - b.start.getTime());
  for (const [index, booking] of ordered.entries()) {
    const next = ordered[index + 1];
    if (next?.actorId !== booking.actorId || next.start >= booking.end) continue;
    if (!(next.overbooked || booking.overbooked)) throw doubleBooking(booking.start, booking.end);
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Names the busy time only, never whose it is (domain.md S2-UC-01). */
function doubleBooking(from: Date, until: Date) {
  return fhirError('conflict', `The practitioner is busy from ${from.toISOString()} to ${until.toISOString()}.`, {
    expression: 'Appointment.start',
  });
}
