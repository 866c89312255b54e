// The reactions to visits that do not take place: somebody did not come, or the patient's side called off late (domain.md 6, settings `fees.*`).

import type { Appointment } from '@medplum/fhirtypes';
import type { Change } from '../../repository/change.ts';
import type { Reaction } from '../../repository/module.ts';
import { cancelledBy } from '../scheduling/cancelled-by.ts';
import { isBilledElsewhere } from './no-billing.ts';

export const noShowTopic = 'billing.no-show';
export const cancelledTopic = 'billing.cancelled';

export const appointmentMissed: Reaction = {
  topic: noShowTopic,
  type: 'Appointment',
  eventKeyOf: (change) => (becomes(change, 'noshow') ? `${noShowTopic}-${change.id}` : undefined),
};

export const appointmentCancelled: Reaction = {
  topic: cancelledTopic,
  type: 'Appointment',
  eventKeyOf: (change) =>
    becomes(change, 'cancelled') && cancelledBy(change.resource as Appointment) === 'patient'
      ? `${cancelledTopic}-${change.id}`
      : undefined,
};

function becomes({ resource, oldResource }: Change, status: Appointment['status']): boolean {
  const appointment = resource as Appointment | undefined;
  if (appointment?.status !== status || isBilledElsewhere(appointment)) return false;
  return (oldResource as Appointment | undefined)?.status !== status;
}
