// Who was booked and did not come is a no-show after a while, where the clinic says so (domain.md section 6, job J12).

import type { Appointment } from '@medplum/fhirtypes';
import { parseDate, withinYears } from '../../fhir/dates.ts';
import { addToOutbox, type NewOutboxEvent } from '../../jobs/outbox.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Module, ModuleJob } from '../../repository/module.ts';
import { write } from '../../repository/write.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { lockAppointment } from '../scheduling/lock-appointment.ts';
import { moveAppointment } from './move-appointment.ts';

const topic = 'appointment.noshow';
export const minuteMs = 60_000;

/** Effect: whoever is booked is looked for once the time is over. */
export function createNoShowWatch(settingsOf: SettingsOf): NonNullable<Module['effects']>[number] {
  return {
    name: 'noshow-watch',
    type: 'Appointment',
    async run(changes, session): Promise<readonly WriteIntent[]> {
      const expected = changes.filter(isNewlyExpected);
      if (expected.length === 0) return [];
      const minutes = (await settingsOf(session.trx))['appointment.noshow-after-minutes'];
      if (minutes === null) return [];
      const events = expected.map(({ id, versionId, resource }) =>
        watchOf((resource as Appointment).start, { id, versionId, minutes }),
      );
      addToOutbox(session.trx, events);
      return [];
    },
  };
}

/** Job: looks again, for meanwhile the Appointment, its time or the setting may be another. */
export function createNoShowJob(settingsOf: SettingsOf): ModuleJob {
  return {
    topic,
    consumer: 'visits.noshow',
    async run({ resourceId: id, id: eventId, eventKey }, session) {
      const minutes = (await settingsOf(session.trx))['appointment.noshow-after-minutes'];
      if (minutes === null) return;
      const { resource: appointment } = (await lockAppointment(session, id)) ?? {};
      if (!appointment || !isExpected(appointment)) return;
      const event = watchOf(appointment.start, { id, versionId: Number(appointment.meta?.versionId), minutes });
      if (event.dueAt <= session.at) await write(session, [moveAppointment(id, 'noshow')]);
      // A key is used once: this event was early, or it was of another time, which has one of its own.
      else
        addToOutbox(session.trx, [
          event.eventKey === eventKey ? { ...event, eventKey: `${topic}-after-${eventId}` } : event,
        ]);
    },
  };
}

function isExpected({ status, start }: Appointment): boolean {
  return (status === 'booked' || status === 'pending') && parseDate(start ?? '', 'instant') !== undefined;
}

function isNewlyExpected({ resource, oldResource }: Change): boolean {
  const appointment = resource as Appointment | undefined;
  const old = oldResource as Appointment | undefined;
  if (!appointment || !isExpected(appointment)) return false;
  return !old || !isExpected(old) || old.start !== appointment.start;
}

interface Expected {
  readonly id: string;
  readonly versionId: number;
  readonly minutes: number;
}

/** The event by which somebody is looked for: one per time that an Appointment was to be at. */
export function watchOf(start = '', { id, versionId, minutes }: Expected): NewOutboxEvent & { readonly dueAt: Date } {
  const startMs = parseDate(start, 'instant')?.low ?? 0;
  const dueAt = new Date(withinYears(startMs + minutes * minuteMs));
  return {
    eventKey: `${topic}-${id}-${dueAt.getTime()}`,
    topic,
    resourceType: 'Appointment',
    resourceId: id,
    newVersionId: versionId,
    dueAt,
  };
}
