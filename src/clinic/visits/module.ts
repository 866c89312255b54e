// Visits: an Appointment and its Encounter move together, and those who wait have a number (domain.md SM-1, SM-1b).

import type { Workflow } from '../../operations/workflow.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { createAppointmentGuard } from './check-appointments.ts';
import { createEncounterGuard } from './check-encounters.ts';
import { checkPatients } from './check-patients.ts';
import { keepEncounterElements } from './encounter-elements.ts';
import { createFollowAppointments } from './follow-appointments.ts';
import { followEncounters } from './follow-encounters.ts';
import { linkEncounters } from './link-encounters.ts';
import { createNoShowJob, createNoShowWatch } from './noshow.ts';
import { createQueueOperation } from './queue.ts';
import { createWatchBookedJob } from './watch-booked.ts';

export interface VisitsOptions {
  readonly settingsOf: SettingsOf;
}

export function createVisitsModule({ settingsOf }: VisitsOptions): Workflow {
  return {
    name: 'visits',
    prepare: [keepEncounterElements],
    guards: [checkPatients, createAppointmentGuard(settingsOf), createEncounterGuard(settingsOf)],
    // In this order: a write may bring an Appointment and its Encounter.
    effects: [linkEncounters, createFollowAppointments(settingsOf), followEncounters, createNoShowWatch(settingsOf)],
    jobs: [createNoShowJob(settingsOf), createWatchBookedJob(settingsOf)],
    operations: [createQueueOperation(settingsOf)],
  };
}
