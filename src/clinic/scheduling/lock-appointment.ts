// The current content of an Appointment, locked: whoever would change it too comes after this transaction.

import type { Appointment } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import type { Content } from '../../repository/change.ts';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';

export type AppointmentContent = Content & { readonly resource: Appointment & { readonly id: string } };

/** Undefined where there is none, or none any more. */
export async function lockAppointment(session: Session, id: string): Promise<AppointmentContent | undefined> {
  session.trx.execute({
    name: 'lock-appointment-for-update',
    text: `SELECT FROM resource WHERE type = 'Appointment' AND id = $1 FOR UPDATE`,
    values: [id],
  });
  const version = await find(session, 'Appointment', id);
  if (!version?.body) return undefined;
  const { value, exactNumbers } = parseJson(version.body.toString());
  return { resource: value as AppointmentContent['resource'], ...(exactNumbers && { exactNumbers }) };
}
