// A patient may have two visits at a time, and whoever books is told (contract.md 11, domain.md S2-UC-01).

import type { Session } from '../../repository/session.ts';
import type { Visit } from './visit.ts';

export const patientOverlap = 'The patient has another Appointment at this time.';

export async function overlapsOfPatients(
  { trx }: Session,
  visits: readonly (Visit & { readonly patientIds: readonly string[] })[],
): Promise<boolean> {
  const wanted = visits.flatMap(({ low, high, patientIds }) => patientIds.map((id) => ({ id, low, high })));
  if (wanted.length === 0) return false;
  const rows = await trx.query({
    name: 'overlaps-of-patients',
    text: `SELECT 1 FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS wanted (patient_id, low, high)
           JOIN reference ON reference.target_type = 'Patient' AND reference.target_id = wanted.patient_id
             AND reference.source_type = 'Appointment' AND reference.parameter = 'actor'
           JOIN booking ON booking.appointment_id = reference.source_id
             AND booking.low < wanted.high AND booking.high > wanted.low
           WHERE reference.source_id <> ALL ($4::text[]) LIMIT 1`,
    values: [
      wanted.map(({ id }) => id),
      wanted.map(({ low }) => new Date(low)),
      wanted.map(({ high }) => new Date(high)),
      visits.map(({ appointmentId }) => appointmentId),
    ],
  });
  return rows.length > 0;
}
