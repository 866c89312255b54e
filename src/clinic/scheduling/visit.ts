// Whose time an Appointment holds, and when: pure, from the resource alone (contract.md 11).

import type { Appointment } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import { parseReference } from '../../fhir/references.ts';
import { holdsTime } from './appointment-status.ts';
import type { Interval } from './interval.ts';

export interface Visit extends Interval {
  readonly appointmentId: string;
  readonly practitionerIds: readonly string[];
  /** Of these only rooms are held; which they are is not said here. */
  readonly locationIds: readonly string[];
  /** An administrator accepts what is in its way; see overbook.ts. */
  readonly overbooked: boolean;
  /** What has been needs no weekly hours (contract.md 10). */
  readonly isOver: boolean;
  /** `system|code` of what it is for. */
  readonly services: readonly string[];
}

/** Undefined when the status holds no time or a time is missing. Who declined is not held. */
export function visitOf(appointment: Appointment & { readonly id: string }, overbooked: boolean): Visit | undefined {
  const { id, status, start, end } = appointment;
  if (!holdsTime(status) || start === undefined || end === undefined) return undefined;
  return {
    appointmentId: id,
    ...timesOf(start, end),
    practitionerIds: actorIds(appointment, 'Practitioner'),
    locationIds: actorIds(appointment, 'Location'),
    overbooked,
    isOver: status === 'fulfilled',
    services: servicesOf(appointment),
  };
}

/** Of instants that are valid; leap seconds, which Date does not know, among them. */
export function timesOf(start: string, end: string): Interval {
  return { low: parseDate(start, 'instant')?.low ?? Number.NaN, high: parseDate(end, 'instant')?.low ?? Number.NaN };
}

/** Those of this type who have not declined, each once. */
export function actorIds({ participant }: Appointment, type: string): string[] {
  const ids = new Set<string>();
  for (const { actor, status } of participant) {
    if (status === 'declined' || actor?.reference === undefined) continue;
    const target = parseReference(actor.reference);
    if (target.kind === 'resource' && target.type === type) ids.add(target.id);
  }
  return [...ids];
}

export function servicesOf({ appointmentType, serviceType = [] }: Appointment): string[] {
  const concepts = appointmentType ? [appointmentType, ...serviceType] : serviceType;
  return concepts.flatMap(({ coding = [] }) => coding.map(({ system = '', code = '' }) => `${system}|${code}`));
}

/** True when both hold the same times of the same people and places. */
export function sameVisit(a: Visit | undefined, b: Visit | undefined): boolean {
  return (a && keyOf(a)) === (b && keyOf(b));
}

function keyOf({ low, high, practitionerIds, locationIds, overbooked }: Visit): string {
  return JSON.stringify([low, high, [...practitionerIds].sort(), [...locationIds].sort(), overbooked]);
}
