// A practitioner is in one place at a time. Locks come first, then the look; the exclusion constraint is the proof.

import type { Session } from '../../repository/session.ts';
import type { Booking } from './booking.ts';

/** A wanted booking and the busy time it meets. */
export interface Clash {
  readonly appointmentId: string;
  readonly from: Date;
  readonly until: Date;
}

/**
 * The first booking that meets another of the same actor. `replaced` are the Appointments whose bookings go away in the
 * same transaction.
 */
export async function findDoubleBooking(
  session: Session,
  bookings: readonly Booking[],
  replaced: readonly string[],
): Promise<Clash | undefined> {
  // An overbooked time may be taken twice, and is in nobody's way within its own transaction.
  const strict = bookings.filter((booking) => !booking.overbooked);
  const among = findOverlapAmong(strict);
  if (among || bookings.length === 0) return among;
  lockActors(session, bookings);
  return strict.length === 0 ? undefined : await findStoredClash(session, strict, replaced);
}

async function findStoredClash(
  session: Session,
  bookings: readonly Booking[],
  replaced: readonly string[],
): Promise<Clash | undefined> {
  const [clash] = await session.trx.query<Clash>({
    name: 'find-clash',
    text: `SELECT wanted.appointment_id AS "appointmentId", lower(booking.period) AS "from", upper(booking.period) AS "until"
           FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[])
             AS wanted (actor_type, actor_id, low, high, appointment_id)
           JOIN booking ON booking.actor_type = wanted.actor_type AND booking.actor_id = wanted.actor_id
             AND booking.period && tstzrange(wanted.low, wanted.high)
           WHERE booking.appointment_id <> ALL ($6::text[])
           ORDER BY 2 LIMIT 1`,
    values: [
      bookings.map((booking) => booking.actorType),
      bookings.map((booking) => booking.actorId),
      bookings.map((booking) => booking.start.toISOString()),
      bookings.map((booking) => booking.end.toISOString()),
      bookings.map((booking) => booking.appointmentId),
      replaced,
    ],
  });
  return clash;
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

/** Two Appointments of one bundle may clash; ordered by start, then some two neighbours do. */
function findOverlapAmong(bookings: readonly Booking[]): Clash | undefined {
  const ordered = [...bookings].sort((a, b) => order(a.actorId, b.actorId) || a.start.getTime() - b.start.getTime());
  for (const [index, booking] of ordered.entries()) {
    const next = ordered[index + 1];
    if (next?.actorId !== booking.actorId || next.start >= booking.end) continue;
    return { appointmentId: next.appointmentId, from: booking.start, until: booking.end };
  }
  return undefined;
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
