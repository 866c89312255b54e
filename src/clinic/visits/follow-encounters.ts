// Effect: an Encounter that begins or ends takes its Appointment along (contract.md 14).

import type { Appointment, Encounter } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import type { AppointmentStatus } from '../scheduling/appointment-status.ts';
import { appointmentsOf } from './encounter-facts.ts';
import { appointmentAfter } from './encounter-status.ts';
import { moveAppointment } from './move-appointment.ts';
import { isSettled } from './reconciled.ts';
import { visitsOf } from './visit-rows.ts';

/** Stands behind the effect on Appointments, which are where the same write puts them. */
export const followEncounters: NonNullable<Module['effects']>[number] = {
  name: 'appointments-of-encounters',
  type: 'Encounter',
  async run(changes, session) {
    const moved = changes
      .flatMap(movedOf)
      .filter(({ appointmentId, encounter }) => !isSettled(session, appointmentId, encounter.status));
    if (moved.length === 0) return [];
    const statuses = await statusesOf(
      session,
      moved.map(({ appointmentId }) => appointmentId),
    );
    return moved.flatMap((one) => intentsOf(one, statuses.get(one.appointmentId)));
  },
};

interface Moved {
  readonly change: Change;
  readonly encounter: Encounter;
  readonly appointmentId: string;
}

function movedOf(change: Change): Moved[] {
  const encounter = change.resource as Encounter | undefined;
  const old = change.oldResource as Encounter | undefined;
  if (!encounter) return [];
  const linked = encounter.status === old?.status ? appointmentsOf(old) : [];
  return appointmentsOf(encounter)
    .filter((id) => !linked.includes(id))
    .map((appointmentId) => ({ change, encounter, appointmentId }));
}

/** A row has none of an Appointment that is awaited; one that is not stored has none at all. */
async function statusesOf(session: Session, ids: readonly string[]): Promise<Map<string, AppointmentStatus>> {
  const rows = await visitsOf(session, ids);
  const statuses = new Map<string, AppointmentStatus>();
  await Promise.all(
    ids.map(async (id) => {
      const status = rows.get(id)?.status ?? (await storedStatus(session, id));
      if (status) statuses.set(id, status);
    }),
  );
  return statuses;
}

async function storedStatus(session: Session, id: string): Promise<AppointmentStatus | undefined> {
  const version = await find(session, 'Appointment', id);
  return version && (parseBody(version) as Appointment | undefined)?.status;
}

function intentsOf({ change, encounter, appointmentId }: Moved, current: AppointmentStatus | undefined): WriteIntent[] {
  if (current === undefined) return [];
  const status = appointmentAfter(encounter.status, current);
  if (status === current) return [];
  if (status !== 'clash') return [moveAppointment(appointmentId, status)];
  const diagnostics = `An Encounter cannot be ${encounter.status} while its Appointment is ${current}.`;
  throw fhirError('business-rule', diagnostics, { expression: 'Encounter.status', writeIndex: change.index });
}
