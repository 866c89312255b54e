// `$book` of what is stored: a hold or proposal is booked, a booking gets another time or is cancelled; the id stays.

import type { Appointment } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Content, WriteResult } from '../../repository/change.ts';
import { markExact } from '../../repository/exact-tree.ts';
import type { Session } from '../../repository/session.ts';
import { write } from '../../repository/write.ts';
import { holdsTime } from './appointment-status.ts';
import { requireFree, type StoredAppointment } from './check-visits.ts';
import { editContent } from './edit-resource.ts';
import { expiryOf } from './holds.ts';
import type { AppointmentContent } from './lock-appointment.ts';
import { type Additions, addTo } from './new-patients.ts';
import { collectionOf, slotsFor, visitToCome, writeSlots } from './operation-inputs.ts';
import { hasOwnSlot, isHandedOver, ownSlotReference } from './own-slots.ts';
import { overlapOf } from './patient-overlap.ts';

type Status = Appointment['status'];

/** Of those who book the same hold at once the first has it: the others find it booked. */
export async function bookHeld(session: Session, current: AppointmentContent, additions: Additions): Promise<Content> {
  const { status } = current.resource;
  if (!isBookable(status)) {
    throw fhirError('conflict', `The Appointment is ${status}: only what is held or proposed can be booked.`, {
      expression: 'Appointment.status',
    });
  }
  requireUnexpired(session, current.resource);
  return await rebook(session, current, current, 'booked', additions);
}

/** `given` says what is to be other than it is; what it leaves out stays. */
export async function bookChange(
  session: Session,
  current: AppointmentContent,
  given: Content & { readonly resource: Appointment },
  additions: Additions,
): Promise<Content> {
  const { status } = current.resource;
  const content = overlaid(current, given);
  if (!isBookable(status) && !isAhead(status)) {
    throw fhirError('business-rule', `The Appointment is ${status}: it cannot be changed any more.`, {
      expression: 'Appointment.status',
    });
  }
  if (given.resource.status === 'cancelled') return await cancel(session, content, additions);
  requireUnexpired(session, current.resource);
  return await rebook(session, current, content, isBookable(status) ? 'booked' : status, additions);
}

function isBookable(status: Status): boolean {
  return status === 'pending' || status === 'proposed' || status === 'waitlist';
}

/** Booked, and not yet over. */
function isAhead(status: Status): boolean {
  return holdsTime(status) && status !== 'fulfilled';
}

function requireUnexpired({ at }: Session, appointment: Appointment): void {
  const expiry = appointment.status === 'pending' ? expiryOf(appointment) : undefined;
  if (!expiry || expiry > at) return;
  throw fhirError('expired', 'The hold has expired; look for a free time again.', { expression: 'Appointment.status' });
}

function overlaid(current: AppointmentContent, given: Content): AppointmentContent {
  const changes = markExact(given.resource, given.exactNumbers) as Appointment;
  const { id, meta: _meta, ...rest } = changes;
  const content = editContent(current, (resource) => Object.assign(resource, rest));
  return { ...content, resource: { ...content.resource, id } as AppointmentContent['resource'] };
}

async function rebook(
  session: Session,
  current: AppointmentContent,
  wanted: AppointmentContent,
  status: Status,
  additions: Additions,
): Promise<Content> {
  const { id } = current.resource;
  const appointment: StoredAppointment = { ...wanted.resource, id, status };
  const isMoved = Date.parse(current.resource.start ?? '') !== Date.parse(appointment.start ?? '');
  const visit = visitToCome(session, appointment, isMoved || isBookable(current.resource.status));
  const placed = await requireFree(session, [visit], [id], additions.settingsOf);
  // One that is there follows by itself, but into the Schedule of somebody else.
  const isSlotKept =
    hasOwnSlot(current.resource) && !isHandedOver({ oldResource: current.resource, resource: appointment });
  const slots = isSlotKept ? [] : slotsFor([appointment], placed);
  const content = editContent(wanted, (resource) => {
    const booked = resource as Appointment;
    booked.status = status;
    addTo(booked, additions);
    if (slots.length > 0 && !hasOwnSlot(booked)) booked.slot = [...(booked.slot ?? []), ownSlotReference(id)];
  });
  await writeSlots(session, slots, false);
  const results = await writeChange(session, id, content, additions);
  return collectionOf(additions.baseUrl, [results[0]?.json ?? ''], overlapOf(results));
}

async function cancel(session: Session, wanted: AppointmentContent, additions: Additions): Promise<Content> {
  const content = editContent(wanted, (resource) => addTo(resource as Appointment, additions));
  if (!wanted.resource.cancelationReason) {
    throw fhirError('business-rule', 'An Appointment is cancelled with a cancelationReason.', {
      expression: 'Appointment.cancelationReason',
    });
  }
  const [result] = await writeChange(session, wanted.resource.id, content, additions);
  return collectionOf(additions.baseUrl, [result?.json ?? '']);
}

function writeChange(session: Session, id: string, content: Content, { patients }: Additions): Promise<WriteResult[]> {
  return write(session, [{ action: 'update', id, ...content }, ...patients.intents]);
}
