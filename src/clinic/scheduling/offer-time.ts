// The job behind `appointment.time-freed`: the time is offered to the one on the waiting list whom it fits best, as a hold
// with a message to be sent; who lets it expire is not asked again (domain.md section 6, Waitlist).

import type { Appointment, AppointmentParticipant, Communication } from '@medplum/fhirtypes';
import type { OutboxEvent } from '../../jobs/outbox.ts';
import type { ModuleJob } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import { findVersion } from '../../repository/vread.ts';
import { write } from '../../repository/write.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { held } from './appointment-times.ts';
import { communicationTopicSystem } from './canonicals.ts';
import { checkVisits } from './check-visits.ts';
import { editContent } from './edit-resource.ts';
import { timeFreedTopic } from './freed-times.ts';
import { holdExpires } from './holds.ts';
import { type AppointmentContent, lockAppointment } from './lock-appointment.ts';
import type { Visit } from './visit.ts';

/** Of those whom the time fits; more are only tried where these have just left the list. */
const candidatesMax = 20;

export function createOfferJob(settingsOf: SettingsOf): ModuleJob {
  return {
    topic: timeFreedTopic,
    consumer: 'scheduling.offer-time',
    async run(event, session) {
      const freed = await freedVisit(session, event);
      if (!freed || freed.visit.low <= session.at.getTime()) return;
      const { 'waitlist.offer-seconds': seconds } = await settingsOf(session.trx);
      for (const candidate of await candidatesFor(session, freed.visit)) {
        const waiting = await lockAppointment(session, candidate.id);
        if (waiting?.resource.status !== 'waitlist') continue;
        await offer(session, { ...freed, waiting, minutes: candidate.minutes, seconds, settingsOf });
        return;
      }
    },
  };
}

interface Freed {
  readonly appointment: Appointment;
  readonly visit: Visit;
}

async function freedVisit(session: Session, { resourceId, oldVersionId }: OutboxEvent): Promise<Freed | undefined> {
  const version = await findVersion(session, 'Appointment', resourceId, oldVersionId ?? 0);
  const appointment = (version && parseBody(version)) as Appointment | undefined;
  const visit = held(appointment);
  return appointment && visit && { appointment, visit };
}

interface Candidate {
  readonly id: string;
  readonly minutes: number | null;
}

/** The most urgent, then who waits longest; who was offered this start before has had the choice. */
async function candidatesFor({ trx }: Session, visit: Visit): Promise<Candidate[]> {
  return await trx.query<Candidate>({
    name: 'who-waits',
    text: `SELECT appointment_id AS id, minutes FROM waiting
           WHERE NOT is_offered AND appointment_id <> $1
             AND low <= $2 AND high >= $2::timestamptz + make_interval(mins => coalesce(minutes, 0))
             AND coalesce(minutes, 0) <= $4
             AND (practitioner_ids && $5::text[] OR cardinality(practitioner_ids) = 0
               AND (cardinality(services) = 0 OR services && $6::text[]))
             AND NOT EXISTS (SELECT FROM waiting_offer WHERE appointment_id = waiting.appointment_id AND low = $2)
             AND (minutes IS NOT NULL OR high >= $3)
           ORDER BY priority, since, appointment_id LIMIT ${candidatesMax}`,
    values: [
      visit.appointmentId,
      new Date(visit.low),
      new Date(visit.high),
      Math.floor((visit.high - visit.low) / 60_000),
      visit.practitionerIds,
      visit.services,
    ],
  });
}

interface Offer extends Freed {
  readonly waiting: AppointmentContent;
  readonly minutes: number | null;
  readonly seconds: number;
  readonly settingsOf: SettingsOf;
}

async function offer(session: Session, given: Offer): Promise<void> {
  const { appointment, visit, waiting, minutes, seconds, settingsOf } = given;
  const { id } = waiting.resource;
  const end = minutes === null ? visit.high : visit.low + minutes * 60_000;
  const content = editContent(waiting, (resource) => {
    const offered = resource as Appointment;
    const expires = holdExpires(new Date(session.at.getTime() + seconds * 1_000));
    Object.assign(offered, {
      status: 'pending',
      start: new Date(visit.low).toISOString(),
      end: new Date(end).toISOString(),
      participant: [...offered.participant, ...joining(offered, appointment)],
      extension: [...(offered.extension ?? []), expires],
    });
  });
  const wanted = held(content.resource);
  // Somebody else was faster, or it is leave now: nobody is to be told.
  if (!wanted || (await checkVisits(session, [wanted], [], settingsOf)).clashes.length > 0) return;
  const message = messageTo(waiting.resource);
  await write(session, [
    { action: 'update', id, ...content },
    ...(message ? [{ action: 'create' as const, resource: message }] : []),
  ]);
  session.trx.execute({
    name: 'remember-offer',
    text: 'INSERT INTO waiting_offer (appointment_id, low) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    values: [id, new Date(visit.low)],
  });
}

/** Whose time it is, but for its patient. */
function joining(waiting: Appointment, freed: Appointment): AppointmentParticipant[] {
  const known = new Set(waiting.participant.map(({ actor }) => actor?.reference));
  return freed.participant
    .filter(({ actor, status }) => status !== 'declined' && /^(Practitioner|Location)\//.test(actor?.reference ?? ''))
    .filter(({ actor }) => !known.has(actor?.reference))
    .map(({ actor }) => ({ actor: actor as NonNullable<typeof actor>, status: 'needs-action' }));
}

/** A message to be sent: whoever sends finds the time in the Appointment. */
function messageTo({ id, participant }: AppointmentContent['resource']): Communication | undefined {
  const patient = participant.find(({ actor }) => actor?.reference?.startsWith('Patient/'))?.actor?.reference;
  if (patient === undefined) return undefined;
  return {
    resourceType: 'Communication',
    status: 'preparation',
    topic: {
      coding: [{ system: communicationTopicSystem, code: 'waitlist-offer', display: 'A time is offered' }],
    },
    subject: { reference: patient },
    recipient: [{ reference: patient }],
    about: [{ reference: `Appointment/${id}` }],
  };
}
