// The patients that `$book` is given: known ones by their id, others are registered with the booking (IHE ITI-117).

import type { Appointment, AppointmentParticipant, Patient } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { OperationCall } from '../../operations/operation.ts';
import type { WriteIntent } from '../../repository/change.ts';
import { read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';

export interface BookedPatients {
  readonly references: readonly string[];
  /** Written together with the Appointment, by the caller's own rights. */
  readonly intents: readonly WriteIntent[];
}

/** What `$book` does beside the Appointment it is given. */
export interface Additions {
  readonly comment: string | undefined;
  readonly patients: BookedPatients;
  readonly settingsOf: SettingsOf;
  readonly baseUrl: string;
}

const patientsMax = 20;

export async function newPatients(session: Session, { inputs }: OperationCall): Promise<BookedPatients> {
  const given = inputs.get('patient-resource') ?? [];
  if (given.length > patientsMax) {
    throw fhirError('too-costly', `$book takes ${patientsMax} patients at most.`, {
      expression: 'Parameters.parameter',
    });
  }
  const references: string[] = [];
  const intents: WriteIntent[] = [];
  for (const { value, exactNumbers } of given) {
    const resource = value as Patient;
    const id = resource.id ?? newId(session.at.getTime());
    references.push(`Patient/${id}`);
    if (resource.id !== undefined) await read(session, 'Patient', id);
    else intents.push({ action: 'create', resource, id, ...(exactNumbers && { exactNumbers }) });
  }
  return { references, intents };
}

/** The Appointment as it is to be booked, apart from its status; to be called in an edit. */
export function addTo(appointment: Appointment, { comment, patients }: Additions): void {
  if (comment !== undefined) appointment.comment = comment;
  const known = new Set(appointment.participant.map(({ actor }) => actor?.reference));
  const joining = patients.references.filter((reference) => !known.has(reference));
  appointment.participant = [
    ...appointment.participant,
    ...joining.map((reference): AppointmentParticipant => ({ actor: { reference }, status: 'accepted' })),
  ];
}
