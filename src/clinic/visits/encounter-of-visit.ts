// The Encounter of an Appointment: how the server makes it and how it moves it on (contract.md 14).

import type {
  Appointment,
  AppointmentParticipant,
  Encounter,
  EncounterParticipant,
  Period,
  Reference,
} from '@medplum/fhirtypes';
import type { WriteIntent } from '../../repository/change.ts';
import { timesOf } from '../scheduling/visit.ts';
import { practitionersOf } from './appointment-facts.ts';
import { practitionersOf as practitionersSeen } from './encounter-facts.ts';
import type { EncounterStatus } from './encounter-status.ts';
import { setPlace } from './queue-elements.ts';
import { firstStatusHistory, takenOverHistory } from './status-history.ts';

export interface NewEncounter {
  readonly appointment: Appointment & { readonly id: string };
  readonly status: EncounterStatus;
  readonly number: number | undefined;
  readonly at: Date;
  /** It comes from elsewhere: what was over by then was at the time of its Appointment. */
  readonly isImport: boolean;
}

const actCodes = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const priorities = 'http://terminology.hl7.org/CodeSystem/v3-ActPriority';
const appointmentReasons = 'http://terminology.hl7.org/CodeSystem/v2-0276';

export function buildEncounter(made: NewEncounter): Encounter {
  const { appointment, status, number, at } = made;
  const { appointmentType, serviceType, reasonCode, reasonReference } = appointment;
  const now = at.toISOString();
  const past = pastOf(made);
  const subject = patientOf(appointment);
  const participant = participantsOf(appointment);
  const location = actorsOf(appointment, 'Location').map((one) => ({ location: one as Reference<never> }));
  const encounter: Encounter = {
    resourceType: 'Encounter',
    status,
    statusHistory: past ? takenOverHistory({ status, period: past }, now) : firstStatusHistory(status, now),
    class: { system: actCodes, code: 'AMB', display: 'ambulatory' },
    ...(appointmentType && { type: [appointmentType] }),
    ...(serviceType?.[0] && { serviceType: serviceType[0] }),
    ...(isEmergency(appointment) && {
      priority: { coding: [{ system: priorities, code: 'EM', display: 'emergency' }] },
    }),
    ...(subject && { subject: subject as NonNullable<Encounter['subject']> }),
    ...(participant.length > 0 && { participant }),
    appointment: [{ reference: `Appointment/${appointment.id}` }],
    period: past ?? { start: now, ...(status === 'finished' && { end: now }) },
    ...(reasonCode && { reasonCode }),
    ...(reasonReference && { reasonReference: reasonReference as NonNullable<Encounter['reasonReference']> }),
    ...(location.length > 0 && { location }),
  };
  setPlace(encounter, { number, calls: [] });
  return encounter;
}

function pastOf({ appointment, status, at, isImport }: NewEncounter): Period | undefined {
  const { start, end } = appointment;
  const isPast = start !== undefined && end !== undefined && timesOf(start, end).high <= at.getTime();
  return isImport && isPast && status === 'finished' ? { start, end } : undefined;
}

export interface NextEncounter {
  readonly encounterId: string;
  readonly status: EncounterStatus;
  readonly number?: number | undefined;
  /** Whose patient and participants it takes over. */
  readonly appointment?: Appointment | undefined;
}

/** What the server owns beside these follows from them in encounter-elements.ts. */
export function moveEncounter({ encounterId, status, number, appointment }: NextEncounter): WriteIntent {
  return {
    action: 'patch',
    type: 'Encounter',
    id: encounterId,
    apply({ resource, ...rest }) {
      const encounter = { ...(resource as Encounter), status };
      if (number !== undefined) setPlace(encounter, { number, calls: [] });
      if (appointment) replaceActors(encounter, appointment);
      return { resource: encounter, ...rest };
    },
  };
}

/** Participants other than the practitioners stay. */
function replaceActors(encounter: Encounter, appointment: Appointment): void {
  const subject = patientOf(appointment);
  if (subject) encounter.subject = subject as NonNullable<Encounter['subject']>;
  const seen = practitionersSeen(encounter);
  const wanted = practitionersOf(appointment);
  if (JSON.stringify(seen) === JSON.stringify(wanted)) return;
  const others = (encounter.participant ?? []).filter((one) => practitionersSeen(only(one)).length === 0);
  encounter.participant = [...participantsOf(appointment), ...others];
  if (encounter.participant.length === 0) delete encounter.participant;
}

function only(participant: EncounterParticipant): Encounter {
  return { participant: [participant] } as Encounter;
}

function participantsOf(appointment: Appointment): EncounterParticipant[] {
  return ['Practitioner', 'PractitionerRole'].flatMap((type) =>
    actorsOf(appointment, type).map((individual) => ({
      individual: individual as NonNullable<EncounterParticipant['individual']>,
    })),
  );
}

/** Who declined takes no part: contract.md 11. */
function actorsOf({ participant }: Appointment, type: string): Reference[] {
  return participant.flatMap(({ actor, status }) =>
    status !== 'declined' && actor?.reference?.startsWith(`${type}/`) ? [actor as Reference] : [],
  );
}

/** One of another server, or known by an identifier alone, is a patient where its `type` says so. */
function patientOf(appointment: Appointment): Reference | undefined {
  const [patient] = actorsOf(appointment, 'Patient');
  const isTaking = ({ actor, status }: AppointmentParticipant) => actor?.type === 'Patient' && status !== 'declined';
  return patient ?? appointment.participant.find(isTaking)?.actor;
}

function isEmergency({ appointmentType }: Appointment): boolean {
  return (
    appointmentType?.coding?.some(({ system, code }) => system === appointmentReasons && code === 'EMERGENCY') ?? false
  );
}
