// Guard: patients book, move and cancel their visits; that they came, were seen, or what it costs is the clinic's to say (domain.md SM-1, "Who").

import { isDeepStrictEqual } from 'node:util';
import type { Appointment, CodeableConcept } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Change } from '../../repository/change.ts';
import type { Module } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { isAwaited } from '../scheduling/appointment-status.ts';

export const checkPatients: NonNullable<Module['guards']>[number] = {
  name: 'steps-of-patients',
  type: 'Appointment',
  run(changes, { caller }) {
    if (!isPatient(caller)) return;
    for (const change of changes) if (!change.byServer && change.resource) checkPatient(change);
  },
};

/** Also a client that holds the role of patients and no other. */
function isPatient({ kind, roles }: Session['caller']): boolean {
  return kind === 'patient' || (roles.size > 0 && [...roles].every((role) => role === 'patient'));
}

function checkPatient(change: Change): void {
  const { status, start, end, ...visit } = change.resource as Appointment;
  const old = change.oldResource as Appointment | undefined;
  if (status !== old?.status && !isAwaited(status) && !(old && status === 'cancelled')) {
    throw refusal(change, `Patients book, move and cancel visits; the clinic says when one is ${status}.`, 'status');
  }
  if ((visit.priority ?? 0) !== (old?.priority ?? 0)) {
    throw refusal(change, 'How urgent a visit is decides who is offered a time first: ask the clinic.', 'priority');
  }
  if (!old || isUnbooked(old)) return;
  if (!isDeepStrictEqual(pricedBy(visit), pricedBy(old))) {
    throw refusal(
      change,
      'What a visit is for decides its price: once it is booked, ask the clinic.',
      'appointmentType',
    );
  }
  if (!isAwaited(old.status) && (start !== old.start || end !== old.end)) {
    throw refusal(change, `A visit that is ${old.status} is not moved.`, 'start');
  }
}

/** Of a proposal the patient still chooses. */
function isUnbooked({ status }: Appointment): boolean {
  return status !== 'booked' && isAwaited(status);
}

/** Prices are found by codings (contract.md 23): in other words a reason may be told at any time. */
function pricedBy({
  appointmentType,
  serviceType = [],
  reasonCode = [],
}: Pick<Appointment, 'appointmentType' | 'serviceType' | 'reasonCode'>): string[][] {
  const codesOf = ({ coding = [] }: CodeableConcept) => coding.map(({ system = '', code = '' }) => `${system}|${code}`);
  return [appointmentType ? codesOf(appointmentType) : [], serviceType.flatMap(codesOf), reasonCode.flatMap(codesOf)];
}

function refusal({ index }: Change, diagnostics: string, element: string): Error {
  return fhirError('forbidden', diagnostics, { expression: `Appointment.${element}`, writeIndex: index });
}
