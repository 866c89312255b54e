// Effect: the row of a visit knows its Encounter, of which there is one; who is handed over gets a number of the other queue.

import type { Encounter } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change, WriteIntent } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { callerId } from './calls.ts';
import { appointmentsOf, encounterFacts } from './encounter-facts.ts';
import { moveEncounter } from './encounter-of-visit.ts';
import { isWaiting } from './encounter-status.ts';
import { takeNumbers } from './queue-numbers.ts';
import { type EnteredEncounter, enterEncounters, forgetEncounters, transferVisits } from './visit-rows.ts';

export const linkEncounters: NonNullable<Module['effects']>[number] = {
  name: 'encounters-of-visits',
  type: 'Encounter',
  async run(changes, session) {
    forgetDeleted(changes, session);
    const entered = changes.flatMap((change) => rowsOf(change, session));
    if (entered.length > 0) await enter(entered, session);
    return await transfer(changes.filter(isTransfer), session);
  },
};

function forgetDeleted(changes: readonly Change[], session: Session): void {
  const deleted = changes.filter(({ resource, oldResource }) => !resource && isLinked(oldResource));
  if (deleted.length === 0) return;
  forgetEncounters(
    session,
    deleted.map(({ id }) => id),
  );
}

function isLinked(resource: Change['resource']): boolean {
  return appointmentsOf(resource as Encounter | undefined).length > 0;
}

interface Entered {
  readonly change: Change;
  readonly row: EnteredEncounter;
}

/** False where nothing changes of what a row keeps. */
export function changesVisit({ resource, oldResource }: Pick<Change, 'resource' | 'oldResource'>): boolean {
  const [now, before] = [resource, oldResource].map((one) => {
    const encounter = one as Encounter | undefined;
    const appointments = appointmentsOf(encounter);
    return encounter && appointments.length > 0 && JSON.stringify([encounterFacts(encounter), appointments]);
  });
  return now !== before;
}

function rowsOf(change: Change, session: Session): Entered[] {
  const encounter = change.resource as Encounter | undefined;
  const old = change.oldResource as Encounter | undefined;
  if (!encounter || !changesVisit(change)) return [];
  const facts = encounterFacts(encounter);
  const isCall = facts.callsCount > (old ? encounterFacts(old).callsCount : 0);
  const call = {
    calledBy: isCall ? callerId(session) : null,
    calledAt: isCall ? session.at.toISOString() : null,
  };
  return appointmentsOf(encounter).map((appointmentId) => ({
    change,
    row: { ...facts, ...call, appointmentId, encounterId: change.id },
  }));
}

/** Throws 409 for an Appointment that has another Encounter: contract.md 14. */
async function enter(entered: readonly Entered[], session: Session): Promise<void> {
  const byAppointment = new Map(entered.toReversed().map((one) => [one.row.appointmentId, one]));
  const entering = enterEncounters(
    session,
    [...byAppointment.values()].map(({ row }) => row),
  );
  // The rows of the server's own are locked, and theirs, from before: the statement goes with the commit.
  if (entered.every(({ change }) => change.byServer)) return;
  const rows = await entering;
  const linked = new Set(rows.map(({ appointmentId, encounterId }) => `${appointmentId} ${encounterId}`));
  const refused = entered.find(({ row }) => !linked.has(`${row.appointmentId} ${row.encounterId}`));
  if (!refused) return;
  throw fhirError('conflict', 'This Appointment has an Encounter already; update that one.', {
    expression: 'Encounter.appointment',
    writeIndex: refused.change.index,
  });
}

function isTransfer({ resource, oldResource }: Change): boolean {
  if (!resource || !isLinked(oldResource)) return false;
  const [now, before] = [resource, oldResource].map((one) => encounterFacts(one as Encounter).practitioners);
  return now?.join() !== before?.join();
}

/** The number of the first queue stays in the history of the Encounter (domain.md SM-1b). */
async function transfer(changes: readonly Change[], session: Session): Promise<WriteIntent[]> {
  if (changes.length === 0) return [];
  const moved = changes.map(({ id, resource }) => ({
    encounterId: id,
    practitioners: encounterFacts(resource as Encounter).practitioners,
  }));
  const rows = await transferVisits(session, moved);
  const waiting = rows.filter((row) => row.queueNumber !== null && isWaiting(row.encounterStatus));
  const numbers = await takeNumbers(session, waiting);
  return waiting.flatMap(({ appointmentId, encounterId, encounterStatus: status }) => {
    const number = numbers.get(appointmentId);
    return encounterId && status && number !== undefined ? [moveEncounter({ encounterId, status, number })] : [];
  });
}
