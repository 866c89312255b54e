// Guard: the edges of the state machine of Appointments, and what each asks for (domain.md SM-1; contract.md 4, 5, 13).

import type { Appointment } from '@medplum/fhirtypes';
import { type FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { type AppointmentStatus, hasArrived, isAwaited, isJump, mayFollow } from '../scheduling/appointment-status.ts';
import { isInSession } from './encounter-status.ts';
import { requireRetractor } from './retractor.ts';
import { visitsOf } from './visit-rows.ts';
import { leftBeforeSeen, noShowReasonSystem } from './visit-urls.ts';

interface Move {
  readonly change: Change;
  readonly appointment: Appointment;
  readonly from: AppointmentStatus;
  readonly to: AppointmentStatus;
}

export function createAppointmentGuard(settingsOf: SettingsOf): NonNullable<Module['guards']>[number] {
  return {
    name: 'appointment-status',
    type: 'Appointment',
    async run(changes, session) {
      const moves = changes.flatMap(moveOf);
      if (moves.length === 0) return;
      const settings = await settingsOf(session.trx);
      for (const move of moves) checkMove(move, session, settings);
      await checkSeen(moves, session, settings);
    },
  };
}

/** An Appointment that is new may be in any status (contract.md 5), and one that keeps its own makes no step. */
function moveOf(change: Change): Move[] {
  const appointment = change.resource as Appointment | undefined;
  const from = (change.oldResource as Appointment | undefined)?.status;
  if (appointment === undefined || from === undefined || from === appointment.status) return [];
  return [{ change, appointment, from, to: appointment.status }];
}

function checkMove(move: Move, session: Session, settings: WorkflowSettings): void {
  const { change, from, to } = move;
  if (!mayFollow(from, to)) throw refusal(change, `An Appointment cannot go from ${from} to ${to}.`);
  if (settings['appointment.strict-transitions'] && isJump(from, to)) {
    throw refusal(change, `This clinic takes no step out: an Appointment cannot go from ${from} to ${to} at once.`);
  }
  if (to === 'cancelled' && !move.appointment.cancelationReason) {
    throw refusal(change, 'An Appointment is cancelled with a cancelationReason.', 'cancelationReason');
  }
  if (to === 'entered-in-error' && !change.byServer) requireRetractor(session, change);
  if (isAwaited(from) && hasArrived(to)) requireTimely(move, session, settings);
  if (to === 'noshow' && hasArrived(from) && !hasLeft(move.appointment)) {
    const diagnostics = `Who has ${from === 'arrived' ? 'arrived' : 'checked in'} is no no-show without the cancelationReason ${leftBeforeSeen}.`;
    throw refusal(change, diagnostics, 'cancelationReason');
  }
}

const hourMs = 3_600_000;

function requireTimely({ change, appointment }: Move, { at }: Session, settings: WorkflowSettings): void {
  const hours = settings['appointment.earliest-arrival-hours'];
  if (hours === null || appointment.start === undefined) return;
  const isEarly = Date.parse(appointment.start) - at.getTime() > hours * hourMs;
  if (!isEarly) return;
  throw refusal(change, `Patients of this clinic arrive at most ${hours} hours before the start of an Appointment.`);
}

function hasLeft({ cancelationReason }: Appointment): boolean {
  const codings = cancelationReason?.coding ?? [];
  return codings.some(({ system, code }) => system === noShowReasonSystem && code === leftBeforeSeen);
}

/** Whoever is being seen is no no-show; and a strict clinic fulfils only what somebody has begun. */
async function checkSeen(moves: readonly Move[], session: Session, settings: WorkflowSettings): Promise<void> {
  const isStrict = settings['appointment.strict-transitions'];
  const asked = moves.filter(
    ({ from, to }) => hasArrived(from) && (to === 'noshow' || (to === 'fulfilled' && isStrict)),
  );
  if (asked.length === 0) return;
  const visits = await visitsOf(
    session,
    asked.map(({ change }) => change.id),
  );
  for (const { change, to } of asked) {
    const status = visits.get(change.id)?.encounterStatus;
    if (to === 'noshow' && isInSession(status)) {
      throw refusal(change, 'The Encounter is in progress: who is being seen is no no-show.');
    }
    if (to === 'fulfilled' && !isInSession(status) && status !== 'finished') {
      throw refusal(change, 'This clinic fulfils an Appointment only after its Encounter was in progress.');
    }
  }
}

function refusal({ index }: Change, diagnostics: string, element = 'status'): FhirError {
  return fhirError('business-rule', diagnostics, { expression: `Appointment.${element}`, writeIndex: index });
}
