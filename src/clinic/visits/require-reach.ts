// Who may write some rows only does not reach the Appointments of others by way of an Encounter (security.md 25, contract.md 48).

import type { Appointment, Encounter } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import { find } from '../../repository/read.ts';
import { isRestricted, meetsRows } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { appointmentsOf } from './encounter-facts.ts';

/** Throws 403 for an Encounter that is newly of an Appointment its writer may not change. */
export async function requireReach(changes: readonly Change[], session: Session): Promise<void> {
  if (!isRestricted(session)) return;
  for (const change of changes) {
    if (change.byServer) continue;
    const linked = appointmentsOf(change.oldResource as Encounter | undefined);
    for (const id of appointmentsOf(change.resource as Encounter | undefined)) {
      if (linked.includes(id) || (await isWithinReach(session, id))) continue;
      throw fhirError('forbidden', 'The access token does not allow to change the Appointment of this Encounter.', {
        expression: 'Encounter.appointment',
        writeIndex: change.index,
      });
    }
  }
}

/** One that is not stored is nobody's yet. */
async function isWithinReach(session: Session, id: string): Promise<boolean> {
  const version = await find(session, 'Appointment', id);
  const appointment = version && (parseBody(version) as Appointment | undefined);
  return !appointment || (await meetsRows(session, 'u', appointment));
}
