// The Appointment of a job, locked against changes: what makes it void comes before and is seen here, or comes after and sees the draft.

import type { Appointment } from '@medplum/fhirtypes';
import { find } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';

export async function lockAppointment(session: Session, id: string): Promise<Appointment | undefined> {
  session.trx.execute({
    name: 'lock-appointment',
    text: `SELECT FROM resource WHERE type = 'Appointment' AND id = $1 FOR SHARE`,
    values: [id],
  });
  const version = await find(session, 'Appointment', id);
  return version && (parseBody(version) as Appointment | undefined);
}
