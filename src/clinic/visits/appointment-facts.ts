// What a visit's row keeps of an Appointment: ids, times and the status, from the resource alone.

import type { Appointment } from '@medplum/fhirtypes';
import { parseReference } from '../../fhir/references.ts';
import { isAwaited } from '../scheduling/appointment-status.ts';
import { timesOf } from '../scheduling/visit.ts';

export interface AppointmentFacts {
  readonly status: Appointment['status'];
  readonly patientId: string | null;
  /** `Practitioner/id` or `PractitionerRole/id`; the first is whose queue it is. */
  readonly practitioners: readonly string[];
  readonly locationId: string | null;
  /** ISO 8601, UTC. */
  readonly startAt: string | null;
  readonly plannedMinutes: number | null;
}

const minutesMax = 366 * 24 * 60;

/** Undefined before the visit has begun or come to nothing: a booking has no row. */
export function appointmentFacts(appointment: Appointment | undefined): AppointmentFacts | undefined {
  if (!appointment || isAwaited(appointment.status)) return undefined;
  const { status, start = '', end = '', minutesDuration } = appointment;
  const { low, high } = timesOf(start, end);
  const planned = Math.round((high - low) / 60_000);
  // An end that is missing, before the start or centuries away says nothing of how long others wait.
  const minutes = planned >= 0 && planned <= minutesMax ? planned : minutesDuration;
  return {
    status,
    patientId: idsOf(appointment, 'Patient')[0] ?? null,
    practitioners: practitionersOf(appointment),
    locationId: idsOf(appointment, 'Location')[0] ?? null,
    startAt: Number.isNaN(low) ? null : new Date(low).toISOString(),
    plannedMinutes: minutes ?? null,
  };
}

/** Who declined takes no part: contract.md 11. */
export function practitionersOf(appointment: Appointment): string[] {
  return ['Practitioner', 'PractitionerRole'].flatMap((type) => idsOf(appointment, type).map((id) => `${type}/${id}`));
}

/** Everything but the status. */
export function isSameVisit(one: AppointmentFacts, other: AppointmentFacts): boolean {
  return JSON.stringify({ ...one, status: '' }) === JSON.stringify({ ...other, status: '' });
}

function idsOf({ participant }: Appointment, type: string): string[] {
  const ids = participant.flatMap(({ actor, status }) => {
    if (status === 'declined' || actor?.reference === undefined) return [];
    const target = parseReference(actor.reference);
    return target.kind === 'resource' && target.type === type ? [target.id] : [];
  });
  return [...new Set(ids)];
}
