// Scheduling: the times that Appointments hold, weekly hours and leave, holds, series and the waiting list.

import type { Workflow } from '../../operations/workflow.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { checkTimes, keepBookings } from './appointment-times.ts';
import { createBook } from './book.ts';
import { sayWhoCancelled } from './cancelled-by.ts';
import { countMoves } from './count-moves.ts';
import { expireHoldJob } from './expire-hold.ts';
import { createFind } from './find.ts';
import { tellOfFreedTimes } from './freed-times.ts';
import { createHold } from './hold.ts';
import { keepHoldExpiry, remindOfHolds } from './holds.ts';
import { restoreLeave, storeLeaves } from './leave-rows.ts';
import { askToReschedule } from './leave-tasks.ts';
import { createOfferJob } from './offer-time.ts';
import { followWithSlots, keepSlotLinks, requireUntaken } from './own-slots.ts';
import { restorePlace, storePlaces } from './place-rows.ts';
import { restoreSchedule, storeSchedules } from './schedule-rows.ts';
import { keepWaitingList } from './waiting-rows.ts';

export interface SchedulingOptions {
  readonly settingsOf: SettingsOf;
  /** What else the Appointments that are being looked at need of the database, in the same message. */
  readonly meanwhile?: (changes: readonly Change[], session: Session) => void;
}

export function createSchedulingModule({ settingsOf, meanwhile }: SchedulingOptions): Workflow {
  const Appointment = { type: 'Appointment' };
  return {
    name: 'scheduling',
    prepare: [
      { name: 'hold-expiry', ...Appointment, run: keepHoldExpiry },
      { name: 'slot-links', ...Appointment, run: keepSlotLinks },
      { name: 'cancelled-by', ...Appointment, run: sayWhoCancelled },
    ],
    guards: [
      // Rows of places, hours and leave are guards' work: the Appointments of the same bundle are held to them.
      { name: 'places', type: 'Location', run: storePlaces },
      { name: 'zones', type: 'Organization', run: storePlaces },
      { name: 'weekly-hours', type: 'Schedule', run: storeSchedules },
      { name: 'slots-of-bookings', type: 'Slot', run: requireUntaken },
      { name: 'leave', type: 'Slot', run: storeLeaves },
      {
        name: 'appointment-times',
        ...Appointment,
        run: (changes, session) => checkTimes(changes, session, { settingsOf, meanwhile }),
      },
      { name: 'reschedules', ...Appointment, run: (changes, session) => countMoves(changes, session, settingsOf) },
    ],
    effects: [
      { name: 'bookings', ...Appointment, run: keepBookings },
      { name: 'slots', ...Appointment, run: followWithSlots },
      { name: 'holds', ...Appointment, run: remindOfHolds },
      { name: 'waiting-list', ...Appointment, run: keepWaitingList },
      { name: 'freed-times', ...Appointment, run: tellOfFreedTimes },
      { name: 'leave-tasks', type: 'Slot', run: askToReschedule },
    ],
    restores: [
      { name: 'places', type: 'Location', run: restorePlace },
      { name: 'zones', type: 'Organization', run: restorePlace },
      { name: 'weekly-hours', type: 'Schedule', run: restoreSchedule },
      { name: 'leave', type: 'Slot', run: restoreLeave },
    ],
    operations: [createFind(settingsOf), createHold(settingsOf), createBook(settingsOf)],
    jobs: [expireHoldJob, createOfferJob(settingsOf)],
  };
}
