// `$find`: free times as proposed Appointments (IHE ITI-115, contract.md 18): https://profiles.ihe.net/ITI/Scheduling/ITI-115.html

import type { Appointment, AppointmentParticipant, Bundle } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Session } from '../../repository/session.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { closedPlaces } from './closed-places.ts';
import { type FindInputs, findInputs, queryInput } from './find-inputs.ts';
import { type FoundSchedule, type FreeTime, freeTimes } from './free-times.ts';
import { readBusy, readLeaves, zoneOfSchedule } from './read-calendar.ts';

export const schedulesMax = 50;

export function createFind(settingsOf: SettingsOf): Operation {
  return {
    code: 'find',
    definition: {
      id: 'Appointment-find',
      url: 'https://hpms.example/fhir/OperationDefinition/Appointment-find',
      name: 'AppointmentFind',
      title: 'Find free times',
      description:
        'Proposes the times that the weekly hours of Schedules still have room for, as Appointments that are not stored: nothing is taken by asking. By GET the references are written as `practitioner=Practitioner/1`.',
    },
    levels: ['type'],
    resourceTypes: ['Appointment'],
    affectsState: false,
    permission: 's',
    parameters,
    queryInput,
    async run(session, call) {
      const inputs = findInputs(call, session.at);
      const found = await findFreeTimes(session, inputs, settingsOf);
      return { resource: bundleOf(found.map((time) => proposalOf(time, inputs.patient))) };
    },
  };
}

const given = (name: string, type: string, max: 1 | '*', documentation: string, min = 0) =>
  ({ name, use: 'in', min, max, type, documentation }) as const;

const parameters: Operation['parameters'] = [
  given('start', 'dateTime', 1, 'From when on, with its offset.', 1),
  given('end', 'dateTime', 1, 'Until when, with its offset: the whole visit lies before.', 1),
  given('practitioner', 'Reference', '*', 'With one of these practitioners.'),
  given('schedule', 'Reference', '*', 'By one of these Schedules.'),
  given('location-reference', 'Reference', '*', 'By Schedules that name one of these Locations.'),
  given('visit-type', 'CodeableConcept', '*', 'By hours that are for one of these services, or for all.'),
  given('patient-reference', 'Reference', 1, 'Whom the visit is for: a participant of what is proposed.'),
  { name: 'return', use: 'out', min: 1, max: 1, type: 'Bundle', documentation: 'The proposed Appointments.' },
];

async function findFreeTimes(session: Session, inputs: FindInputs, settingsOf: SettingsOf): Promise<FreeTime[]> {
  const [schedules, { timezone }] = await Promise.all([findSchedules(session, inputs), settingsOf(session.trx)]);
  if (schedules.length > schedulesMax) {
    throw fhirError('too-costly', `$find looks at ${schedulesMax} Schedules at most; name practitioners or Locations.`);
  }
  const actors = [...new Set(schedules.flatMap((schedule) => schedule.actors))].map(actorOf);
  const { span, services } = inputs;
  // A day around it, for buffers reach into it.
  const around = { low: span.low - dayMs, high: span.high + dayMs };
  const [busy, leaves] = await Promise.all([
    readBusy(
      session,
      actors.map((actor) => ({ ...actor, ...around })),
      [],
    ),
    readLeaves(
      session,
      actors.flatMap(({ actorType, actorId }) => (actorType === 'Practitioner' ? actorId : [])),
      around,
    ),
  ]);
  const locationIds = actors.flatMap(({ actorType, actorId }) => (actorType === 'Location' ? actorId : []));
  const isClosedFor = await closedPlaces(session, leaves, locationIds);
  return freeTimes(schedules, { span, services, timezone, busy, leaves, isClosedFor, nowMs: session.at.getTime() });
}

const dayMs = 86_400_000;

function actorOf(reference: string): { actorType: string; actorId: string } {
  const [actorType = '', actorId = ''] = reference.split('/');
  return { actorType, actorId };
}

/** With hours, one more than are looked at; practitioners come first among the actors. */
async function findSchedules({ trx }: Session, inputs: FindInputs): Promise<FoundSchedule[]> {
  const isOf = (type: string, ids: string) => `(${ids}::text[] IS NULL OR EXISTS (SELECT FROM schedule_actor AS one
    WHERE one.schedule_id = mine.schedule_id AND one.actor_type = '${type}' AND one.actor_id = ANY (${ids}::text[])))`;
  return await trx.query<FoundSchedule>({
    name: 'schedules-found',
    text: `SELECT DISTINCT ON (schedule_id) schedule_id AS "scheduleId", hours, ${zoneOfSchedule} AS timezone,
             ARRAY(SELECT actor_type || '/' || actor_id FROM schedule_actor AS one
               WHERE one.schedule_id = mine.schedule_id ORDER BY actor_type DESC, actor_id) AS actors
           FROM schedule_actor AS mine
           WHERE hours IS NOT NULL AND ($1::text[] IS NULL OR schedule_id = ANY ($1::text[]))
             AND ${isOf('Practitioner', '$2')} AND ${isOf('Location', '$3')}
           ORDER BY schedule_id LIMIT ${schedulesMax + 1}`,
    values: [inputs.scheduleIds ?? null, inputs.practitionerIds ?? null, inputs.locationIds ?? null],
  });
}

function proposalOf({ low, high, actors, services }: FreeTime, patient: string | undefined): Appointment {
  const participants = patient === undefined ? actors : [patient, ...actors];
  const [service, ...more] = services;
  return {
    resourceType: 'Appointment',
    status: 'proposed',
    ...(service !== undefined && more.length === 0 && { serviceType: [{ coding: [codingOf(service)] }] }),
    start: new Date(low).toISOString(),
    end: new Date(high).toISOString(),
    minutesDuration: Math.round((high - low) / 60_000),
    participant: participants.map(
      (reference): AppointmentParticipant => ({ actor: { reference }, status: 'needs-action' }),
    ),
  };
}

function codingOf(service: string) {
  const [system = '', code = ''] = service.split('|');
  return { ...(system !== '' && { system }), ...(code !== '' && { code }) };
}

function bundleOf(proposals: readonly Appointment[]): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: proposals.length,
    ...(proposals.length > 0 && {
      entry: proposals.map((resource) => ({ resource, search: { mode: 'match' as const } })),
    }),
  };
}
