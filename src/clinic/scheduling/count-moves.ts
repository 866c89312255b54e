// How often an Appointment was given another time, and the limit a clinic may set (setting `appointment.reschedules-max`).

import type { Appointment } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';

/** What the server moves by itself, such as an offer, is no reschedule. */
export async function countMoves(changes: readonly Change[], session: Session, settingsOf: SettingsOf): Promise<void> {
  const moved = changes.filter(isRescheduled);
  if (moved.length === 0) return;
  const [rows, settings] = await Promise.all([
    session.trx.query<{ appointment_id: string; moves: number }>({
      name: 'count-moves',
      text: `INSERT INTO appointment_move (appointment_id, moves) SELECT id, 1 FROM unnest($1::text[]) AS id
             ON CONFLICT (tenant_id, appointment_id) DO UPDATE SET moves = appointment_move.moves + 1
             RETURNING appointment_id, moves`,
      values: [moved.map(({ id }) => id)],
    }),
    settingsOf(session.trx),
  ]);
  const max = settings['appointment.reschedules-max'];
  const over = max === null ? undefined : rows.find(({ moves }) => moves > max);
  if (!over) return;
  const change = moved.find(({ id }) => id === over.appointment_id);
  const times = max === 1 ? 'once' : `${max} times`;
  throw fhirError('business-rule', `At this clinic an Appointment can be given another time ${times} at most.`, {
    expression: 'Appointment.start',
    ...(change && { writeIndex: change.index }),
  });
}

function isRescheduled({ byServer, oldResource, resource }: Change): boolean {
  const old = oldResource as Appointment | undefined;
  const next = resource as Appointment | undefined;
  if (byServer || old?.status !== 'booked' || old.start === undefined || next?.start === undefined) return false;
  return next.status === 'booked' && Date.parse(old.start) !== Date.parse(next.start);
}
