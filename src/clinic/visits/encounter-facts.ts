// What a visit's row keeps of an Encounter: ids, times, the status and its place in the queue, from the resource alone.

import type { Encounter, Reference } from '@medplum/fhirtypes';
import { parseDate } from '../../fhir/dates.ts';
import { parseReference } from '../../fhir/references.ts';
import type { EncounterStatus } from './encounter-status.ts';
import { callsOf, queueNumberOf, queueOrderOf } from './queue-elements.ts';

export interface EncounterFacts {
  readonly status: EncounterStatus;
  readonly patientId: string | null;
  /** `Practitioner/id` or `PractitionerRole/id`. */
  readonly practitioners: readonly string[];
  readonly queueNumber: number | null;
  readonly queueOrder: number | null;
  readonly callsCount: number;
  readonly arrivedAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export function encounterFacts(encounter: Encounter): EncounterFacts {
  return {
    status: encounter.status,
    patientId: idOf(encounter.subject, 'Patient') ?? null,
    practitioners: practitionersOf(encounter),
    queueNumber: queueNumberOf(encounter) ?? null,
    queueOrder: queueOrderOf(encounter) ?? null,
    callsCount: callsOf(encounter).length,
    arrivedAt: beganAt(encounter, 'arrived'),
    startedAt: beganAt(encounter, 'in-progress'),
    finishedAt: beganAt(encounter, 'finished'),
  };
}

/** The ids of the Appointments it is the Encounter of; none for those that visits leave as they are. */
export function appointmentsOf(encounter: Encounter | undefined): string[] {
  return [...new Set((encounter?.appointment ?? []).flatMap((one) => idOf(one, 'Appointment') ?? []))];
}

export function practitionersOf({ participant = [] }: Encounter): string[] {
  const ofType = (type: string) =>
    participant.flatMap(({ individual }) => {
      const id = idOf(individual, type);
      return id === undefined ? [] : [`${type}/${id}`];
    });
  return [...new Set([...ofType('Practitioner'), ...ofType('PractitionerRole')])];
}

function idOf(reference: Reference | undefined, type: string): string | undefined {
  if (typeof reference?.reference !== 'string') return undefined;
  const target = parseReference(reference.reference);
  return target.kind === 'resource' && target.type === type ? target.id : undefined;
}

/** When it first had the status. */
function beganAt({ statusHistory = [] }: Encounter, status: EncounterStatus): string | null {
  const start = statusHistory.find((entry) => entry.status === status)?.period.start;
  const time = start === undefined ? undefined : parseDate(start, 'dateTime');
  return time ? new Date(time.low).toISOString() : null;
}
