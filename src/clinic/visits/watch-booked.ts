// Job: a clinic that says from when on who does not come is a no-show says so of those as well who are booked already.

import { addToOutbox } from '../../jobs/outbox.ts';
import type { ModuleJob } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { settingChangedTopic } from '../../tenants/workflow-settings.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { minuteMs, watchOf } from './noshow.ts';

const key = 'appointment.noshow-after-minutes';
const pageSize = 1_000;

/** Whose time was over before the clinic said anything stays as it is. */
export function createWatchBookedJob(settingsOf: SettingsOf): ModuleJob {
  return {
    topic: settingChangedTopic,
    consumer: 'visits.watch-booked',
    async run({ resourceId }, session) {
      const minutes = resourceId === key ? (await settingsOf(session.trx))[key] : null;
      if (minutes === null) return;
      let last: Booked = { id: '', versionId: 0, startAt: new Date(session.at.getTime() - minutes * minuteMs) };
      for (let found = pageSize; found === pageSize; ) {
        const booked = await bookedAfter(session, last);
        const events = booked.map(({ startAt, ...one }) => watchOf(startAt.toISOString(), { ...one, minutes }));
        addToOutbox(session.trx, events);
        last = booked.at(-1) ?? last;
        found = booked.length;
      }
    },
  };
}

interface Booked {
  readonly id: string;
  readonly versionId: number;
  readonly startAt: Date;
}

/** Of any status: who handles the event looks who is still expected. */
async function bookedAfter({ trx }: Session, { startAt, id }: Booked): Promise<Booked[]> {
  return await trx.query<Booked>({
    name: 'booked-after',
    text: `SELECT r.id, r.version_id AS "versionId", d.low AS "startAt" FROM date_value d
           JOIN resource r ON r.type = d.type AND r.id = d.id AND NOT r.deleted
           WHERE d.type = 'Appointment' AND d.parameter = 'date' AND (d.low, d.id) > ($1::timestamptz, $2)
           ORDER BY d.low, d.id LIMIT ${pageSize}`,
    values: [startAt, id],
  });
}
