// Holidays: leave on a Schedule of a place closes the place with all that is within it (contract.md 16; README, Decisions).

import type { Session } from '../../repository/session.ts';
import type { LeaveTime } from './read-calendar.ts';

export type ClosedTest = (visit: { readonly locationIds: readonly string[] }, leave: LeaveTime) => boolean;

const depthMax = 10;

/** A visit that names no place is at all of them, but in no room. Asks only where a place is closed. */
export async function closedPlaces(
  { trx }: Session,
  leaves: readonly LeaveTime[],
  locationIds: readonly string[],
): Promise<ClosedTest> {
  const closed = leaves.filter(({ actorType }) => actorType === 'Location').map(({ actorId }) => actorId);
  if (closed.length === 0) return () => false;
  const rows = await trx.query<{ within: string; id: string; is_room: boolean }>({
    name: 'places-around',
    text: `WITH RECURSIVE around (within, id, depth) AS (
             SELECT id COLLATE "C", id COLLATE "C", 0 FROM unnest($1::text[]) AS id
             UNION
             SELECT around.within, place.part_of, depth + 1 FROM around
             JOIN place ON place.type = 'Location' AND place.id = around.id
             WHERE place.part_of IS NOT NULL AND depth < ${depthMax})
           SELECT within, around.id, coalesce(place.is_room, false) AS is_room FROM around
           LEFT JOIN place ON place.type = 'Location' AND place.id = around.id`,
    values: [[...new Set([...locationIds, ...closed])]],
  });
  const around = new Set(rows.map(({ within, id }) => `${within}/${id}`));
  const rooms = new Set(rows.filter((row) => row.is_room).map(({ id }) => id));
  return (visit, { actorId }) => {
    if (visit.locationIds.length === 0) return !rooms.has(actorId);
    return visit.locationIds.some((id) => around.has(`${id}/${actorId}`));
  };
}
