// The state machine of a visit's Encounter and how it keeps step with the Appointment's (contract.md 14, domain.md SM-1, SM-1b).

import type { Encounter } from '@medplum/fhirtypes';
import { type AppointmentStatus, isAwaited } from '../scheduling/appointment-status.ts';

export type EncounterStatus = Encounter['status'];

/** Of a visit that goes on; forward only, by any number of steps. */
const steps: readonly EncounterStatus[] = ['planned', 'arrived', 'triaged', 'in-progress', 'finished'];

const closed: ReadonlySet<EncounterStatus> = new Set<EncounterStatus>(['finished', 'cancelled', 'entered-in-error']);

/** A status may always be sent again; an Encounter may begin its life in any. */
export function mayFollow(from: EncounterStatus | undefined, to: EncounterStatus): boolean {
  if (from === undefined || from === to || to === 'entered-in-error') return true;
  if (closed.has(from) || to === 'unknown') return false;
  if (to === 'cancelled' || from === 'unknown') return true;
  if (to === 'onleave') return from === 'in-progress';
  return from === 'onleave' ? stepOf(to) >= stepOf('in-progress') : stepOf(to) > stepOf(from);
}

function stepOf(status: EncounterStatus): number {
  return steps.indexOf(status);
}

export function isInSession(status: EncounterStatus | null | undefined): boolean {
  return status === 'in-progress' || status === 'onleave';
}

/** There, and not seen yet. */
export function isWaiting(status: EncounterStatus | null | undefined): boolean {
  return status === 'arrived' || status === 'triaged';
}

/** Not over. */
export function isOpen(status: EncounterStatus): boolean {
  return !closed.has(status);
}

/** The status the other half of a visit has to take: its own where it keeps step, `clash` where both cannot be true. */
type Step<Status> = Status | 'clash';

/** What the Encounter becomes once the Appointment has this status. */
export function encounterAfter(appointment: AppointmentStatus, encounter: EncounterStatus): Step<EncounterStatus> {
  switch (appointment) {
    case 'arrived':
    case 'checked-in':
      if (!isOpen(encounter)) return encounter === 'finished' ? encounter : 'clash';
      return encounter === 'planned' || encounter === 'unknown' ? 'arrived' : encounter;
    case 'fulfilled':
      if (isOpen(encounter)) return 'finished';
      return encounter === 'finished' ? encounter : 'clash';
    case 'noshow':
    case 'cancelled':
      if (isOpen(encounter)) return 'cancelled';
      return encounter === 'finished' ? 'clash' : encounter;
    case 'entered-in-error':
      return 'entered-in-error';
    default:
      return encounter;
  }
}

/** What the Appointment becomes once the Encounter has this status. */
export function appointmentAfter(encounter: EncounterStatus, appointment: AppointmentStatus): Step<AppointmentStatus> {
  if (encounter === 'entered-in-error') return encounter;
  const isClosed = !isAwaited(appointment) && appointment !== 'arrived' && appointment !== 'checked-in';
  if (encounter === 'finished') {
    if (!isClosed) return 'fulfilled';
    return appointment === 'fulfilled' ? appointment : 'clash';
  }
  if (encounter === 'cancelled') {
    if (!isClosed) return 'cancelled';
    return appointment === 'fulfilled' ? 'clash' : appointment;
  }
  if (isClosed) return 'clash';
  const isThere = encounter !== 'planned' && encounter !== 'unknown';
  return isThere && isAwaited(appointment) ? 'arrived' : appointment;
}
