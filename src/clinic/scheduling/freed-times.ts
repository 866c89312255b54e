// Effect: a time that is free again is an event, for somebody may be waiting for it (domain.md SM-1, Waitlist).

import { addToOutbox } from '../../jobs/outbox.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { movedVisits } from './appointment-times.ts';

export const timeFreedTopic = 'appointment.time-freed';

/** Times that have begun are nobody's any more. */
export function tellOfFreedTimes(changes: readonly Change[], { trx, at }: Session): [] {
  const freed = movedVisits(changes).filter(
    ({ old }) => old && old.practitionerIds.length > 0 && old.low > at.getTime(),
  );
  addToOutbox(
    trx,
    freed.map(({ change: { id, versionId, old } }) => ({
      eventKey: `${timeFreedTopic}-${id}-${versionId}`,
      topic: timeFreedTopic,
      resourceType: 'Appointment',
      resourceId: id,
      oldVersionId: old?.versionId,
      newVersionId: versionId,
    })),
  );
  return [];
}
