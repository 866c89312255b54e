// What `$hold` and `$book` have in common: the Appointment they are about, who may see it, and their answer (contract.md 19, 20).

import type { Appointment, Bundle, BundleEntry, Slot } from '@medplum/fhirtypes';
import { parseJson } from '../../fhir/json.ts';
import { fhirError, gone, type Issue, toOperationOutcome } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import type { OperationCall, OperationParameter } from '../../operations/operation.ts';
import type { Content } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';
import { find, read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import { held } from './appointment-times.ts';
import type { StoredAppointment } from './check-visits.ts';
import { type AppointmentContent, lockAppointment } from './lock-appointment.ts';
import { slotOf } from './own-slots.ts';
import type { Placed } from './place-visits.ts';
import type { Visit } from './visit.ts';

export const input = (name: string, type: string, max: 1 | '*', documentation: string): OperationParameter => ({
  ...{ name, use: 'in', min: 0, max, type, documentation },
});

export type Given =
  | { readonly kind: 'resource'; readonly content: Content & { readonly resource: Appointment } }
  | { readonly kind: 'stored'; readonly content: AppointmentContent };

/** Of the inputs that name an Appointment exactly one is to be given. What is stored is locked, if the caller may see it. */
export async function appointmentIn(session: Session, call: OperationCall, names: readonly string[]): Promise<Given> {
  const all = [...names, 'appointment-reference'];
  const [name, ...more] = all.filter((one) => call.inputs.has(one));
  if (name === undefined || more.length > 0) {
    throw fhirError('required', `Give one of ${all.join(', ')}.`, { status: 400, expression: 'Parameters.parameter' });
  }
  const [given] = call.inputs.get(name) ?? [];
  if (name !== 'appointment-reference') {
    const { value, exactNumbers } = given ?? {};
    return { kind: 'resource', content: { resource: value as Appointment, ...(exactNumbers && { exactNumbers }) } };
  }
  const { reference = '' } = (given?.value ?? {}) as { reference?: string };
  const target = parseReference(reference, call.baseUrl);
  if (target.kind !== 'resource' || target.type !== 'Appointment') {
    throw fhirError('value', 'The reference must be one such as Appointment/1.', {
      status: 400,
      expression: 'Parameters.parameter',
    });
  }
  return { kind: 'stored', content: await lockVisible(session, target.id) };
}

/** Throws 404 for what the caller may not see, and 410 for what is deleted, as a hold that has expired. */
export async function lockVisible(session: Session, id: string): Promise<AppointmentContent> {
  await read(session, 'Appointment', id);
  const content = await lockAppointment(session, id);
  if (!content) throw gone('Appointment', id);
  return content;
}

/** Whoever asks takes a moment to do so. */
const toleranceMs = 60_000;

/** The times of what is about to be written; 422 where there are none, or where they must come and are past (contract.md 5). */
export function visitToCome(session: Session, appointment: StoredAppointment, mustCome = true): Visit {
  const visit = held(appointment);
  if (!visit || visit.high <= visit.low) {
    throw fhirError('business-rule', 'The Appointment needs a start, and an end after it.', {
      expression: 'Appointment.start',
    });
  }
  if (!mustCome || visit.low >= session.at.getTime() - toleranceMs) return visit;
  throw fhirError('business-rule', 'The start of the Appointment is past.', { expression: 'Appointment.start' });
}

/** A Slot of each that lies in somebody's hours; without a Schedule there can be none (Slot.schedule is 1..1). */
export function slotsFor(appointments: readonly StoredAppointment[], { bookings }: Placed): (Slot & { id: string })[] {
  return appointments.flatMap((appointment) => {
    const booking = bookings.find((one) => one.appointmentId === appointment.id && one.scheduleId !== undefined);
    return booking?.scheduleId === undefined ? [] : slotOf(appointment, booking.scheduleId);
  });
}

/** The server's own: callers need no right to write Slots. */
export async function writeSlots(
  session: Session,
  slots: readonly (Slot & { readonly id: string })[],
  isNew: boolean,
): Promise<void> {
  const [first] = slots;
  if (!first) return;
  // One of an earlier hold of the same Appointment was deleted with that.
  const action = isNew || !(await find(session, 'Slot', first.id)) ? 'create' : 'update';
  await writeOwn(
    session,
    slots.map((resource) => ({ action, resource, id: resource.id })),
  );
}

/** A Bundle of the stored texts, with a warning where there is one. */
export function collectionOf(baseUrl: string, texts: readonly string[], warning?: Issue): Content {
  const entry: BundleEntry[] = texts.map((text) => {
    const { value, exactNumbers } = parseJson(text);
    const { resourceType, id } = value as { resourceType: string; id: string };
    return {
      fullUrl: `${baseUrl}/${resourceType}/${id}`,
      resource: markExact(value, exactNumbers) as BundleEntry['resource'],
    };
  }) as BundleEntry[];
  if (warning) entry.push({ resource: toOperationOutcome([warning]) });
  const bundle: Bundle = { resourceType: 'Bundle', type: 'collection', entry };
  const exactNumbers = findExact(bundle);
  const resource = unmarkExact(bundle) as Bundle;
  return exactNumbers.size > 0 ? { resource, exactNumbers } : { resource };
}
