// Who books holds the calendar with all others who book; who takes leave holds it alone, so that neither misses the other.

import type { Session } from '../../repository/session.ts';

/** Until the end of the transaction: no booking is under way that the leave's look at the bookings could not see. */
export function lockCalendar({ trx }: Session): void {
  trx.execute({
    name: 'lock-calendar',
    text: "SELECT pg_advisory_xact_lock(hashtextextended('calendar ' || $1::text, 0))",
    values: [String(trx.tenantId)],
  });
}

/** Beside others who book. */
export function shareCalendar({ trx }: Session): void {
  trx.execute({
    name: 'share-calendar',
    text: "SELECT pg_advisory_xact_lock_shared(hashtextextended('calendar ' || $1::text, 0))",
    values: [String(trx.tenantId)],
  });
}

/**
 * All actors in one order, so that two bookings of the same people cannot deadlock. Of the Locations only rooms are locked: a
 * clinic's site is named by all of its visits.
 */
export function lockActors({ trx }: Session, practitionerIds: readonly string[], locationIds: readonly string[]): void {
  trx.execute({
    name: 'lock-actors',
    text: `SELECT pg_advisory_xact_lock(key) FROM (
             SELECT hashtextextended('booking ' || $1::text || ' ' || actor, 0) AS key FROM (
               SELECT 'Practitioner/' || id AS actor FROM unnest($2::text[]) AS id
               UNION ALL
               SELECT 'Location/' || id FROM place WHERE type = 'Location' AND is_room AND id = ANY ($3::text[])) AS actors
             ORDER BY key) AS keys`,
    values: [String(trx.tenantId), practitionerIds, locationIds],
  });
}
