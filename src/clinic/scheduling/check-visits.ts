// Guard of Appointments: their times are free, open and nobody's leave, whoever writes them (contract.md 10 to 12).

import type { Appointment } from '@medplum/fhirtypes';
import { FhirError, type Issue } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { closedPlaces } from './closed-places.ts';
import { type Clash, type Placed, placeVisits } from './place-visits.ts';
import { readCalendar } from './read-calendar.ts';
import type { Visit } from './visit.ts';

/** Locks the actors until the end of the transaction, so that what is free stays free. */
export async function checkVisits(
  session: Session,
  visits: readonly Visit[],
  replaced: readonly string[],
  settingsOf: SettingsOf,
): Promise<Placed> {
  if (visits.length === 0) return { bookings: [], clashes: [] };
  const [calendar, { timezone }] = await Promise.all([
    readCalendar(session, visits, replaced),
    settingsOf(session.trx),
  ]);
  const locationIds = visits.flatMap((visit) => visit.locationIds);
  const isClosedFor = await closedPlaces(session, calendar.leaves, locationIds);
  return placeVisits(visits, calendar, { timezone, isClosedFor });
}

/** Names the busy time only, never whose it is (domain.md S2-UC-01). */
export function clashIssue({ kind, low, high }: Clash, occurrence?: number): Issue {
  const when = `from ${new Date(low).toISOString()} to ${new Date(high).toISOString()}`;
  const which = occurrence === undefined ? '' : `Occurrence ${occurrence}: `;
  return {
    severity: 'error',
    code: 'conflict',
    diagnostics: `${which}${sentences[kind](when)}`,
    expression: ['Appointment.start'],
  };
}

const sentences: Readonly<Record<Clash['kind'], (when: string) => string>> = {
  practitioner: (when) => `The practitioner is busy ${when}.`,
  room: (when) => `The room is busy ${when}.`,
  hours: (when) => `The practitioner has no hours that hold the time ${when}.`,
  leave: (when) => `The practitioner is away ${when}.`,
  closed: (when) => `The place is closed ${when}.`,
};

/** For operations, which look before they write: 409 with one issue for each visit that cannot be. */
export async function requireFree(
  session: Session,
  visits: readonly Visit[],
  replaced: readonly string[],
  settingsOf: SettingsOf,
): Promise<Placed> {
  const placed = await checkVisits(session, visits, replaced, settingsOf);
  if (placed.clashes.length === 0) return placed;
  const occurrenceOf = ({ appointmentId }: Clash) =>
    visits.length === 1 ? undefined : visits.findIndex((visit) => visit.appointmentId === appointmentId) + 1;
  throw new FhirError(placed.clashes.map((clash) => clashIssue(clash, occurrenceOf(clash))));
}

export type StoredAppointment = Appointment & { readonly id: string };
