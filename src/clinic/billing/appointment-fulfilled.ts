// The reaction that starts billing: an Appointment reaches `fulfilled`, by whatever way it is written (domain.md S1-P3-1, D2).

import type { Appointment } from '@medplum/fhirtypes';
import type { Reaction } from '../../repository/module.ts';
import { isBilledElsewhere } from './no-billing.ts';

export const fulfilledTopic = 'appointment.fulfilled';

export const appointmentFulfilled: Reaction = {
  topic: fulfilledTopic,
  type: 'Appointment',
  eventKeyOf({ id, resource, oldResource }) {
    const appointment = resource as Appointment | undefined;
    const old = oldResource as Appointment | undefined;
    if (appointment?.status !== 'fulfilled' || old?.status === 'fulfilled') return undefined;
    return isBilledElsewhere(appointment) ? undefined : `${fulfilledTopic}-${id}`;
  },
};
