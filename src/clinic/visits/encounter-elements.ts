// Prepare: what the server owns of an Encounter is the server's own, whatever a client sends (contract.md 14, 15; domain.md SM-1b).

import type { Encounter } from '@medplum/fhirtypes';
import type { Change } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { editResource } from '../scheduling/edit-resource.ts';
import { checkCalls, mergeCalls } from './calls.ts';
import { appointmentsOf } from './encounter-facts.ts';
import { isInSession, isWaiting } from './encounter-status.ts';
import { callsOf, queueNumberOf, setPlace } from './queue-elements.ts';
import { nextStatusHistory, takenOverHistory } from './status-history.ts';

export const keepEncounterElements: NonNullable<Module['prepare']>[number] = {
  name: 'encounter-elements',
  type: 'Encounter',
  async run(changes, session) {
    const visits = changes.filter(({ resource }) => resource && isOfVisit(resource as Encounter));
    await checkCalls(visits, session);
    for (const change of visits)
      editResource(change, (resource) => keepElements(change, resource as Encounter, session));
  },
};

function keepElements(change: Change, encounter: Encounter, { at }: Session): void {
  const old = change.oldResource as Encounter | undefined;
  // What was stored while it was of no Appointment is a client's.
  const owned = appointmentsOf(old).length === 0 ? undefined : old;
  const now = at.toISOString();
  const number = (change.byServer ? queueNumberOf(encounter) : undefined) ?? queueNumberOf(owned);
  const { calls } = mergeCalls(callsOf(owned), callsOf(encounter));
  setPlace(encounter, { number, calls });
  if (owned) encounter.statusHistory = nextStatusHistory(owned, encounter.status, now);
  else if (!change.byServer || !encounter.statusHistory) encounter.statusHistory = takenOverHistory(encounter, now);
  // What was over before it came here has the times it came with.
  if (owned || isThere(encounter.status)) keepPeriod(owned, encounter, now);
}

/** It begins when the patient is there and ends when it is over, unless the client knows better. */
function keepPeriod(old: Encounter | undefined, encounter: Encounter, now: string): void {
  const isOver = encounter.status === 'finished' || encounter.status === 'cancelled';
  if (!isOver && !isThere(encounter.status)) return;
  const start = encounter.period?.start ?? old?.period?.start ?? now;
  const end = encounter.period?.end ?? old?.period?.end ?? (isOver ? now : undefined);
  encounter.period = { ...encounter.period, start, ...(end !== undefined && { end }) };
}

function isThere(status: Encounter['status']): boolean {
  return isWaiting(status) || isInSession(status);
}

/** Others stay as they are sent; and what is malformed is for the validator to refuse. */
function isOfVisit(encounter: Encounter): boolean {
  return isFormed(encounter) && appointmentsOf(encounter).length > 0;
}

function isFormed({ extension, statusHistory, period, appointment, participant, priority }: Encounter): boolean {
  const lists = [extension, statusHistory, appointment, participant, priority?.coding ?? []];
  const areLists = lists.every((list) => list === undefined || (Array.isArray(list) && list.every(isObject)));
  if (!areLists || !(period === undefined || isObject(period))) return false;
  return statusHistory?.every((entry) => entry.period === undefined || isObject(entry.period)) ?? true;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
