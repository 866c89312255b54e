// Whose side an Appointment was cancelled from: https://terminology.hl7.org/CodeSystem-appointment-cancellation-reason.html

import type { Appointment } from '@medplum/fhirtypes';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { editResource } from './edit-resource.ts';

const system = 'http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason';

/** What is not said by one of HL7's codes of the patient is the clinic's: nobody owes a fee for an unclear reason. */
export function cancelledBy({ cancelationReason }: Pick<Appointment, 'cancelationReason'>): 'patient' | 'clinic' {
  const codings = (cancelationReason?.coding ?? []).filter((coding) => coding.system === system);
  return codings.some(({ code = '' }) => code === 'pat' || code.startsWith('pat-')) ? 'patient' : 'clinic';
}

/** `prepare`: what patients cancel is the patient's side, whatever reason they give: a late one may cost a fee. */
export function sayWhoCancelled(changes: readonly Change[], { caller }: Pick<Session, 'caller'>): void {
  if (caller.kind !== 'patient') return;
  for (const change of changes) {
    const appointment = change.resource as Appointment | undefined;
    const was = (change.oldResource as Appointment | undefined)?.status;
    if (appointment?.status !== 'cancelled' || was === 'cancelled' || !isReason(appointment)) continue;
    if (cancelledBy(appointment) === 'patient') continue;
    editResource(change, (resource) => {
      const { cancelationReason } = resource as Appointment;
      const coding = [...(cancelationReason?.coding ?? []), { system, code: 'pat', display: 'Patient' }];
      (resource as Appointment).cancelationReason = { ...cancelationReason, coding };
    });
  }
}

/** What is not valid is for the validator to refuse. */
function isReason({ cancelationReason }: Appointment): boolean {
  if (typeof cancelationReason !== 'object' || cancelationReason === null) return false;
  const { coding } = cancelationReason;
  return (
    coding === undefined || (Array.isArray(coding) && coding.every((one) => typeof one === 'object' && one !== null))
  );
}
