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
import { takeNumbers, takeNumbersOfRows } from './queue-numbers.ts';
import { settle } from './reconciled.ts';
import { enterAppointments, forgetAppointments, moveAppointments, placeVisits, type VisitRow } from './visit-rows.ts';

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
      const { rows, numbers } = await storeRows(moved, session, settingsOf);
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

interface Stored {
  readonly rows: ReadonlyMap<string, VisitRow>;
  /** Of those who check in. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** Where a visit only goes on, nothing but its status is written. */
async function storeRows(moved: readonly Moved[], session: Session, settingsOf: SettingsOf): Promise<Stored> {
  const going = moved.filter(({ facts, old }) => old && isSameVisit(old, facts));
  const gone = await goOn(going, session);
  const entered = moved.filter(({ change }) => !gone.rows.has(change.id));
  if (entered.length === 0) return gone;
  const rows = await enter(entered, session, settingsOf);
  const numbers = await takeNumbers(session, wanting(entered, rows));
  return { rows: new Map([...gone.rows, ...rows]), numbers: new Map([...gone.numbers, ...numbers]) };
}

async function goOn(going: readonly Moved[], session: Session): Promise<Stored> {
  if (going.length === 0) return { rows: new Map(), numbers: new Map() };
  const statuses = going.map(({ change, facts }) => ({ appointmentId: change.id, status: facts.status }));
  const [found, numbersOf] = await Promise.all([
    moveAppointments(session, statuses),
    takeNumbersOfRows(
      session,
      going.filter(checksIn).map(({ change }) => change.id),
    ),
  ]);
  const rows = byAppointment(found);
  return { rows, numbers: numbersOf(wanting(going, rows)) };
}

/** When and where they are is looked up meanwhile, and written with what follows. */
async function enter(
  entered: readonly Moved[],
  session: Session,
  settingsOf: SettingsOf,
): Promise<ReadonlyMap<string, VisitRow>> {
  const { timezone } = await settingsOf(session.trx);
  const [rows, places] = await Promise.all([
    enterAppointments(
      session,
      entered.map(({ change, facts, old }) => ({
        ...facts,
        appointmentId: change.id,
        isForSame: old?.practitioners.join() === facts.practitioners.join(),
      })),
    ),
    placesOf(
      session,
      entered.map(({ facts }) => facts),
      timezone,
    ),
  ]);
  const placed = entered.map(({ change }, index) => {
    const { localDate = null, departmentId = null } = places[index] ?? {};
    return { appointmentId: change.id, localDate, departmentId };
  });
  placeVisits(session, placed);
  const dates = new Map(placed.map(({ appointmentId, localDate }) => [appointmentId, localDate]));
  return byAppointment(
    rows.map((row) => (row.queueNumber === null ? { ...row, localDate: dates.get(row.appointmentId) ?? null } : row)),
  );
}

function byAppointment(rows: readonly VisitRow[]): ReadonlyMap<string, VisitRow> {
  return new Map(rows.map((row) => [row.appointmentId, row]));
}

function checksIn({ facts, old }: Moved): boolean {
  return facts.status === 'checked-in' && old?.status !== 'checked-in';
}

/** Who jumps over the check-in takes no number, and who has one keeps it. */
function wanting(moved: readonly Moved[], rows: ReadonlyMap<string, VisitRow>): VisitRow[] {
  return moved.filter(checksIn).flatMap(({ change }) => {
    const row = rows.get(change.id);
    return row?.queueNumber === null && row.encounterStatus !== 'finished' ? row : [];
  });
}

function intentsOf(moved: Moved, row: VisitRow, number: number | undefined, session: Session): WriteIntent[] {
  const { change, appointment, facts } = moved;
  if (row.encounterId === null || row.encounterStatus === null) {
    if (!hasArrived(facts.status)) return [];
    const status = facts.status === 'fulfilled' ? 'finished' : 'arrived';
    // One whose Encounter was deleted has a number already.
    const given = number ?? row.queueNumber ?? undefined;
    const isImport = change.oldResource === undefined;
    const resource = buildEncounter({ appointment, status, number: given, at: session.at, isImport });
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
