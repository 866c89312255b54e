// Guard: the edges of a visit's Encounter, and whom it may keep busy (contract.md 14, domain.md SM-1).

import type { Encounter } from '@medplum/fhirtypes';
import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { appointmentsOf } from './encounter-facts.ts';
import { isInSession, mayFollow } from './encounter-status.ts';
import { changesVisit } from './link-encounters.ts';
import { requireFreePractitioner } from './one-in-session.ts';
import { requireReach } from './require-reach.ts';
import { requireRetractor } from './retractor.ts';

export function createEncounterGuard(settingsOf: SettingsOf): NonNullable<Module['guards']>[number] {
  return {
    name: 'encounter-status',
    type: 'Encounter',
    async run(changes, session) {
      const visits = changes.filter(isOfVisit);
      if (visits.length === 0) return;
      const settings = await settingsOf(session.trx);
      const isStrict = settings['appointment.strict-transitions'];
      for (const change of visits) checkEncounter(change, session, isStrict);
      await requireReach(visits, session);
      await lockAppointments(visits, session);
      if (!settings['encounter.overlap-allowed']) await requireFreePractitioner(visits, session);
    },
  };
}

const newOf = ({ resource }: Change) => resource as Encounter | undefined;
const oldOf = ({ oldResource }: Change) => oldResource as Encounter | undefined;

function isOfVisit(change: Change): boolean {
  return appointmentsOf(newOf(change)).length > 0 || appointmentsOf(oldOf(change)).length > 0;
}

function checkEncounter(change: Change, session: Session, isStrict: boolean): void {
  const encounter = newOf(change);
  const old = oldOf(change);
  if (!encounter) return;
  const appointments = appointmentsOf(encounter);
  if (appointmentsOf(old).some((id) => !appointments.includes(id))) {
    throw refusal(change, 'An Encounter stays with its Appointment.', 'appointment');
  }
  const { status } = encounter;
  if (!mayFollow(old?.status, status)) {
    throw refusal(change, `An Encounter cannot go from ${old?.status} to ${status}.`);
  }
  if (change.byServer || old?.status === status) return;
  if (status === 'entered-in-error') requireRetractor(session, change);
  if (isStrict && status === 'finished' && old && !isInSession(old.status)) {
    throw refusal(change, 'This clinic finishes an Encounter only after it was in progress.');
  }
}

/** Before anything of the visit is read or written: its Appointment's writers go on to this Encounter. */
async function lockAppointments(changes: readonly Change[], { trx }: Session): Promise<void> {
  const moved = changes.filter((change) => !change.byServer && changesVisit(change));
  const ids = moved.flatMap((change) => appointmentsOf(newOf(change) ?? oldOf(change)));
  if (ids.length === 0) return;
  await trx.query({ name: 'lock-appointments', text: 'SELECT tenant.lock_appointments($1::text[])', values: [ids] });
}

function refusal({ index }: Change, diagnostics: string, element = 'status'): FhirError {
  return fhirError('business-rule', diagnostics, { expression: `Encounter.${element}`, writeIndex: index });
}
