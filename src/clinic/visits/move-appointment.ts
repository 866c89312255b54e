// How the server moves an Appointment on after its Encounter (contract.md 14, domain.md SM-1).

import type { Appointment } from '@medplum/fhirtypes';
import type { WriteIntent } from '../../repository/change.ts';
import type { AppointmentStatus } from '../scheduling/appointment-status.ts';

/** Whoever cancelled the Encounter gave no reason that an Appointment could take over. */
const otherReason: NonNullable<Appointment['cancelationReason']> = {
  coding: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason',
      code: 'other',
      display: 'Other',
    },
  ],
};

export function moveAppointment(id: string, status: AppointmentStatus): WriteIntent {
  return {
    action: 'patch',
    type: 'Appointment',
    id,
    apply({ resource, ...rest }) {
      const appointment = resource as Appointment;
      const reason = status === 'cancelled' && !appointment.cancelationReason && { cancelationReason: otherReason };
      return { resource: { ...appointment, status, ...reason }, ...rest };
    },
  };
}
