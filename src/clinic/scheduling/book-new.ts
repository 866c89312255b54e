// `$book` of a new Appointment, or of all occurrences of a series at once (contract.md 20, 21).

import type { Appointment, Extension } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { fhirError } from '../../fhir/outcome.ts';
import type { Content } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import { write } from '../../repository/write.ts';
import { originatingAppointmentUrl, recurrenceIdUrl, recurrenceTemplateUrl } from './canonicals.ts';
import { requireFree, type StoredAppointment } from './check-visits.ts';
import { editContent } from './edit-resource.ts';
import type { Interval } from './interval.ts';
import { type Additions, addTo } from './new-patients.ts';
import { collectionOf, slotsFor, visitToCome, writeSlots } from './operation-inputs.ts';
import { ownSlotId, ownSlotReference } from './own-slots.ts';
import { overlapOf } from './patient-overlap.ts';
import { occurrencesOf } from './series.ts';

const bookable: ReadonlySet<Appointment['status']> = new Set(['proposed', 'pending', 'waitlist', 'booked']);

export async function bookNew(session: Session, given: Content, additions: Additions): Promise<Content> {
  const proposal = given.resource as Appointment;
  if (!bookable.has(proposal.status)) {
    throw fhirError('business-rule', `Without an id $book makes a booking; it cannot be ${proposal.status}.`, {
      expression: 'Appointment.status',
    });
  }
  const contents = await occurrences(session, given, additions);
  const appointments = contents.map(({ resource }) => resource as StoredAppointment);
  const visits = appointments.map((appointment) => visitToCome(session, appointment));
  const placed = await requireFree(session, visits, [], additions.settingsOf);
  const slots = slotsFor(appointments, placed);
  await writeSlots(session, slots, true);
  const slotted = new Set(slots.map(({ id }) => id));
  const results = await write(session, [
    ...contents.map((content) => {
      const { id } = content.resource as StoredAppointment;
      const link = editContent(content, (resource) => {
        const { slot = [] } = resource as Appointment;
        if (slotted.has(ownSlotId(id))) (resource as Appointment).slot = [...slot, ownSlotReference(id)];
      });
      return { action: 'create' as const, id, ...link };
    }),
    ...additions.patients.intents,
  ]);
  const texts = results.slice(0, contents.length).map(({ json = '' }) => json);
  return collectionOf(additions.baseUrl, texts, overlapOf(results));
}

/** One, or as many as the template says; each with an id of its own. */
async function occurrences(session: Session, given: Content, additions: Additions): Promise<Content[]> {
  const { extension = [], start = '', end = '' } = given.resource as Appointment;
  const [template, ...more] = extension.filter(({ url }) => url === recurrenceTemplateUrl);
  if (more.length > 0) throw fhirError('business-rule', 'A series has one recurrenceTemplate.', { expression });
  const nextId = () => newId(session.at.getTime());
  if (!template) return [bookedAs(given, nextId(), additions, () => undefined)];
  const { timezone } = await additions.settingsOf(session.trx);
  const times = occurrencesOf(template, firstOf(start, end), timezone);
  const firstId = nextId();
  return times.map((time, index) =>
    bookedAs(given, index === 0 ? firstId : nextId(), additions, (appointment) =>
      asOccurrence(appointment, time, index, firstId),
    ),
  );
}

const expression = 'Appointment.extension';

function firstOf(start: string, end: string): Interval {
  const [low, high] = [Date.parse(start), Date.parse(end)];
  if (low < high) return { low, high };
  throw fhirError('business-rule', 'The Appointment needs a start, and an end after it.', {
    expression: 'Appointment.start',
  });
}

function bookedAs(given: Content, id: string, additions: Additions, edit: (resource: Appointment) => void): Content {
  return editContent(given, (resource) => {
    const appointment = resource as Appointment;
    appointment.id = id;
    appointment.status = 'booked';
    addTo(appointment, additions);
    edit(appointment);
  });
}

/** The first keeps the template and its own way of writing the time; the others name the first. */
function asOccurrence(appointment: Appointment, { low, high }: Interval, index: number, firstId: string): void {
  const own = [recurrenceIdUrl, originatingAppointmentUrl, ...(index > 0 ? [recurrenceTemplateUrl] : [])];
  const kept = (appointment.extension ?? []).filter(({ url }) => !own.includes(url));
  const number: Extension = { url: recurrenceIdUrl, valuePositiveInt: index + 1 };
  const origin: Extension = { url: originatingAppointmentUrl, valueReference: { reference: `Appointment/${firstId}` } };
  appointment.extension = [...kept, number, ...(index > 0 ? [origin] : [])];
  if (index === 0) return;
  appointment.start = new Date(low).toISOString();
  appointment.end = new Date(high).toISOString();
}
