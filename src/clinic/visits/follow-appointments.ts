// Effect: an Appointment that begins or ends takes its Encounter along, and who checks in gets a number (contract.md 14, 15).

import type { Appointment } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { hasArrived } from '../scheduling/appointment-status.ts';
import { type AppointmentFacts, appointmentFacts, isSameVisit } from './appointment-facts.ts';
import { buildEncounter, moveEncounter } from './encounter-of-visit.ts';
import { appointmentAfter, encounterAfter } from './encounter-status.ts';
import { moveAppointment } from './move-appointment.ts';
import { placesOf } from './place-of-visit.ts';
import { takeNumbers } from './queue-numbers.ts';
import { settle } from './reconciled.ts';
import { enterAppointments, forgetAppointments, moveAppointments, type VisitRow } from './visit-rows.ts';

interface Moved {
  readonly change: Change;
  readonly appointment: Appointment & { readonly id: string };
  readonly facts: AppointmentFacts;
  readonly old: AppointmentFacts | undefined;
}

export function createFollowAppointments(settingsOf: SettingsOf): NonNullable<Module['effects']>[number] {
  return {
    name: 'visits-of-appointments',
    type: 'Appointment',
    async run(changes, session) {
      forgetDeleted(changes, session);
      const moved = changes.flatMap(movedOf);
      if (moved.length === 0) return [];
      const rows = await storeRows(moved, session, settingsOf);
      const numbers = await takeNumbers(
        session,
        moved.flatMap((one) => wantsNumber(one, rows.get(one.change.id)) ?? []),
      );
      return moved.flatMap((one) => {
        const row = rows.get(one.change.id);
        return row ? intentsOf(one, row, numbers.get(one.change.id), session) : [];
      });
    },
  };
}

function forgetDeleted(changes: readonly Change[], session: Session): void {
  const deleted = changes.filter(
    ({ resource, oldResource }) => !resource && appointmentFacts(oldResource as Appointment),
  );
  if (deleted.length === 0) return;
  forgetAppointments(
    session,
    deleted.map(({ id }) => id),
  );
}

/** None for a booking, and where nothing changes of what a row keeps. */
function movedOf(change: Change): Moved[] {
  const appointment = change.resource as Moved['appointment'] | undefined;
  const facts = appointmentFacts(appointment);
  if (!appointment || !facts) return [];
  const old = appointmentFacts(change.oldResource as Appointment | undefined);
  if (old && old.status === facts.status && isSameVisit(old, facts)) return [];
  return [{ change, appointment, facts, old }];
}

/** Where a visit only goes on, nothing but its status is written. */
async function storeRows(
  moved: readonly Moved[],
  session: Session,
  settingsOf: SettingsOf,
): Promise<Map<string, VisitRow>> {
  const going = moved.filter(({ facts, old }) => old && isSameVisit(old, facts));
  const statuses = going.map(({ change, facts }) => ({ appointmentId: change.id, status: facts.status }));
  const rows = going.length === 0 ? [] : await moveAppointments(session, statuses);
  const known = new Set(rows.map(({ appointmentId }) => appointmentId));
  const entered = moved.filter(({ change }) => !known.has(change.id));
  if (entered.length > 0) {
    const visits = entered.map(({ facts }) => facts);
    const { timezone } = await settingsOf(session.trx);
    const places = await placesOf(session, visits, timezone);
    const full = entered.map(({ change, facts }, index) => {
      const { localDate = null, departmentId = null } = places[index] ?? {};
      return { ...facts, appointmentId: change.id, localDate, departmentId };
    });
    rows.push(...(await enterAppointments(session, full)));
  }
  return new Map(rows.map((row) => [row.appointmentId, row]));
}

/** Who jumps over the check-in takes none, and who has one keeps it. */
function wantsNumber({ facts, old }: Moved, row: VisitRow | undefined): VisitRow | undefined {
  if (facts.status !== 'checked-in' || old?.status === 'checked-in' || row?.queueNumber !== null) return undefined;
  return row.encounterStatus === 'finished' ? undefined : row;
}

function intentsOf(moved: Moved, row: VisitRow, number: number | undefined, session: Session): WriteIntent[] {
  const { change, appointment, facts } = moved;
  if (row.encounterId === null || row.encounterStatus === null) {
    if (!hasArrived(facts.status)) return [];
    const status = facts.status === 'fulfilled' ? 'finished' : 'arrived';
    // One whose Encounter was deleted has a number already.
    const given = number ?? row.queueNumber ?? undefined;
    const resource = buildEncounter({ appointment, status, number: given, at: session.at });
    settle(session, change.id, { met: status, becomes: status });
    return [{ action: 'create', id: newId(session.at.getTime()), resource }];
  }
  const { encounterId, encounterStatus } = row;
  const status = encounterAfter(facts.status, encounterStatus);
  if (status === 'clash') throw clash(change, facts, row);
  settle(session, change.id, { met: encounterStatus, becomes: status });
  const isOther = moved.old !== undefined && actorsOf(moved.old) !== actorsOf(facts);
  const isMoved = status !== encounterStatus || number !== undefined || isOther;
  const encounter = moveEncounter({ encounterId, status, number, ...(isOther && { appointment }) });
  // An Encounter that came before its Appointment may be further.
  const isBehind = appointmentAfter(status, facts.status) === 'fulfilled' && facts.status !== 'fulfilled';
  return [...(isMoved ? [encounter] : []), ...(isBehind ? [moveAppointment(change.id, 'fulfilled')] : [])];
}

function actorsOf({ patientId, practitioners }: AppointmentFacts): string {
  return [patientId, ...practitioners].join();
}

function clash({ index }: Change, { status }: AppointmentFacts, { encounterStatus }: VisitRow): Error {
  return fhirError('business-rule', `An Appointment cannot be ${status} while its Encounter is ${encounterStatus}.`, {
    expression: 'Appointment.status',
    writeIndex: index,
  });
}
