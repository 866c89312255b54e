// The statuses a visit has had, as its Encounter tells them: https://hl7.org/fhir/R4/encounter-definitions.html#Encounter.statusHistory

import type { Encounter, EncounterStatusHistory } from '@medplum/fhirtypes';
import type { EncounterStatus } from './encounter-status.ts';

/**
 * The history that `next` has after `old`. Its last entry is the current status and has no end. A patient who is seen or gone
 * without ever having arrived has arrived by that: domain.md, rulings.
 */
export function nextStatusHistory(old: Encounter, next: EncounterStatus, at: string): EncounterStatusHistory[] {
  const before = old.statusHistory ?? [];
  if (old.status === next) return before.length === 0 ? [openEntry(next, at)] : before;
  const past = before.map((entry) => (entry.period?.end === undefined ? ended(entry, at) : entry));
  const skipsArrival = impliesArrival(next) && !past.some(({ status }) => status === 'arrived');
  return [...past, ...(skipsArrival ? [momentary('arrived', at)] : []), openEntry(next, at)];
}

/** Of an Encounter the server makes. */
export function firstStatusHistory(status: EncounterStatus, at: string): EncounterStatusHistory[] {
  return impliesArrival(status) ? [momentary('arrived', at), openEntry(status, at)] : [openEntry(status, at)];
}

type TakenOver = Pick<Encounter, 'status' | 'statusHistory' | 'period'>;

/** Of an Encounter that comes from elsewhere: what that system has seen stays, and what it is now begins when it says. */
export function takenOverHistory({ status, statusHistory = [], period }: TakenOver, at: string) {
  const past = statusHistory.filter((entry) => entry?.period?.end !== undefined);
  const isOver = status === 'finished' || status === 'cancelled';
  const begins = past.length === 0 && status !== 'planned' && status !== 'unknown';
  const since = (isOver ? period?.end : undefined) ?? (begins ? period?.start : undefined) ?? at;
  return [...past, openEntry(status, since)];
}

function impliesArrival(status: EncounterStatus): boolean {
  return status === 'triaged' || status === 'in-progress' || status === 'onleave' || status === 'finished';
}

function openEntry(status: EncounterStatus, start: string): EncounterStatusHistory {
  return { status: status as EncounterStatusHistory['status'], period: { start } };
}

function momentary(status: EncounterStatus, at: string): EncounterStatusHistory {
  return { ...openEntry(status, at), period: { start: at, end: at } };
}

function ended(entry: EncounterStatusHistory, end: string): EncounterStatusHistory {
  return { ...entry, period: { ...entry.period, end } };
}
