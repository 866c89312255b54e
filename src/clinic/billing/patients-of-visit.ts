// Whose visit an Appointment is: who pays for it, and for calling it off too late.

import type { Appointment, Reference } from '@medplum/fhirtypes';
import { localTarget } from './local-target.ts';

/**
 * Who declined took no part (contract.md 11) and comes behind all others; but where everybody did, what took place, or was called
 * off too late, is still somebody's. A Patient of another server, or one named by identifier alone, counts where its `type` says so.
 */
export function patientsOfVisit({ participant }: Pick<Appointment, 'participant'>): Reference[] {
  const patients = participant.filter(
    ({ actor }) => localTarget(actor)?.type === 'Patient' || actor?.type === 'Patient',
  );
  const declined = patients.filter(({ status }) => status === 'declined');
  const taking = patients.filter(({ status }) => status !== 'declined');
  return [...taking, ...declined].flatMap(({ actor }) => actor ?? []);
}
