// The job behind `appointment.hold-due`: a hold that nobody booked ends, an offer goes back to the waiting list (contract.md 19).

import type { Appointment } from '@medplum/fhirtypes';
import type { OutboxEvent } from '../../jobs/outbox.ts';
import type { WriteIntent } from '../../repository/change.ts';
import type { ModuleJob } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { findVersion } from '../../repository/vread.ts';
import { write } from '../../repository/write.ts';
import { expiryOf, holdDueTopic, remindOfHold } from './holds.ts';
import { lockAppointment } from './lock-appointment.ts';

export const expireHoldJob: ModuleJob = {
  topic: holdDueTopic,
  consumer: 'scheduling.expire-hold',
  async run(event, session) {
    const current = await lockAppointment(session, event.resourceId);
    const expiry = expiryOf(current?.resource);
    if (current?.resource.status !== 'pending' || !expiry) return;
    if (expiry > session.at) {
      remindOfHold(session, event, expiry);
      return;
    }
    const waiting = await isWaiting(session, event.resourceId);
    await write(session, [waiting ? await backOnList(session, event, current.resource) : deletion(event)]);
  },
};

function deletion({ resourceId }: OutboxEvent): WriteIntent {
  return { action: 'delete', type: 'Appointment', id: resourceId };
}

async function isWaiting({ trx }: Session, id: string): Promise<boolean> {
  const rows = await trx.query({
    name: 'is-waiting',
    text: 'SELECT 1 FROM waiting WHERE appointment_id = $1',
    values: [id],
  });
  return rows.length > 0;
}

/** As it was before it was offered a time; what was changed since is kept, but for the time. */
async function backOnList(session: Session, event: OutboxEvent, offered: Appointment): Promise<WriteIntent> {
  const { resourceId: id, oldVersionId, newVersionId } = event;
  const isAsOffered = offered.meta?.versionId === String(newVersionId) && oldVersionId !== undefined;
  const before = isAsOffered ? await findVersion(session, 'Appointment', id, oldVersionId) : undefined;
  const resource = (before && parseBody(before)) as Appointment | undefined;
  if (resource?.status === 'waitlist') return { action: 'update', id, resource };
  const { start: _start, end: _end, ...rest } = offered;
  return { action: 'update', id, resource: { ...rest, status: 'waitlist' } };
}
